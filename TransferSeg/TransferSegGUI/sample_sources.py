"""Which samples there are: phantoms by seed, patients by address and checksum."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

CATEGORY = "TransferSeg"


@dataclass(frozen=True)
class Phantom:
    """A phantom: ``options`` of its maker (``module:function``), and the names of its labels."""

    name: str
    icon: str
    options: dict[str, Any]
    labels: dict[int, str] = field(default_factory=dict)
    maker: str = "TransferSegLib.phantoms:write_phantoms"
    marker: str = "dataset.json"
    """The file that is written last: the phantom is whole where it is there."""


@dataclass(frozen=True)
class File:
    """One file of a patient."""

    kind: str
    path: str
    sha256: str


@dataclass(frozen=True)
class Patient:
    """A patient of a public repository, at one commit of it."""

    name: str
    folder: str
    files: tuple[File, ...]

    def address(self, file: File) -> str:
        """Where a file can be downloaded."""
        return f"{_OPEN_MS_DATA}/{self.folder}/{file.path}"


PHANTOMS = (
    Phantom("PhantomMS", "SamplePhantomMS.png", {"count": 1, "flavour": "ms", "seed": 7}, {1: "lesion"}),
    Phantom(
        "PhantomGlioma",
        "SamplePhantomGlioma.png",
        {"count": 1, "flavour": "glioma", "seed": 7},
        {1: "tumour", 2: "necrosis", 3: "oedema"},
    ),
)

CT_PHANTOM = Phantom(
    "PhantomCT",
    "SamplePhantomCT.png",
    {"count": 1, "seed": 7, "field": "trunk", "spacing": [1.5, 1.5, 3.0]},
    maker="TransferSegLib.phantoms.ct_write:write_ct_phantoms",
    marker="levels.csv",
)
"""A trunk for the L3 panel; what its list says of L3 is the truth."""

PETCT_PHANTOM = Phantom(
    "PhantomPETCT",
    "SamplePhantomPETCT.png",
    {"count": 1, "seed": 7, "pattern": "nodal"},
    maker="TransferSegLib.phantoms.petct_write:write_petct_phantoms",
)
"""A whole-body FDG-PET/CT for the PET/CT panel."""

# Multiple sclerosis: FLAIR, T1, T1 with gadolinium, T2, consensus of three raters; skull-stripped, MNI space, 1 mm.
# University of Ljubljana, licence CC BY. Lesjak et al., A novel public MR image dataset of multiple sclerosis patients
# with lesion segmentations based on multi-rater consensus, Neuroinformatics 2017. The address names a commit, so that
# what it gives never changes; the checksums were computed from the files of that commit (their git blob ids agree).
_OPEN_MS_DATA = (
    "https://raw.githubusercontent.com/muschellij2/open_ms_data/65704901f60650824565aa5a4818611aa89716f4"
    "/cross_sectional/MNI"
)
_STEM = "_N4_noneck_reduced_winsor_regtoFLAIR"


def _patient(name: str, folder: str, flair: str, t1: str, t1gd: str, t2: str, truth: str) -> Patient:
    images = {"FLAIR": ("FLAIR", flair), "T1": ("T1", t1), "T1GD": ("T1POST", t1gd), "T2": ("T2", t2)}
    files = [File(kind, f"{file}{_STEM}_brain_N4_regtoMNI.nii.gz", digest) for kind, (file, digest) in images.items()]
    return Patient(name, folder, (*files, File("truth", f"GOLD_STANDARD{_STEM}_regtoMNI.nii.gz", truth)))


PATIENTS = (
    _patient(
        "MSPatient07",
        "patient07",
        "2f884f00d4e9cbca061a5fd2f988547df312d86194b331f4ca511cf852f775db",
        "0d9e0c933140e64ba42931f5ed7aece2a7cc7001fe6c8d753720c487f5e1b8b1",
        "6f12c9ee925a419eab4f7e90d795ab09e91b21b3fec87b40cbde229a1139b28f",
        "272765a0f017d34d51de97690dd33495ce0191d04671be648bf2bc117bd4c4d7",
        "811e8c906d572e8675c67c98176d0e883ec87655ebea89f31da407a18fb1aae7",
    ),
    _patient(
        "MSPatient19",
        "patient19",
        "6e4191c583abdb818f2de9fd47a876c2a71451f1c1672e443874af1fe78b02ad",
        "24ea608f6817c9799888491988f9ec9464f0f2faa02f512e8c2e07466f705781",
        "e298c00ec0639258662689242eb380619f8af5129812ea57b3715e525a981b67",
        "585d38f7c3714594be60d5ebb13b4b20a9294d6804ce2d6e0e8f170f530a87e2",
        "1cf465372d5e647fb5a2f1ac062fe314e7aa7f0873c68108617530541f2362c4",
    ),
)
