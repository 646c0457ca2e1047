"""TMTV-Net's checkpoints, which a user holds, as one of our packages (Yousefirizi et al. 2024).

Only tensors are read. Names are matched by the part of the network that they speak of (``init_block``, ``downs.N``,
``middle_block``, ``ups.N``, ``outputs.N``), whatever wraps them; inside a part a 5-D tensor is the convolution's, and
every shape is checked against the published network. The head that the public program does not use in inference
(``output``, beside the deep supervision's ``outputs``) is left out.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..errors import PackageError
from ..networks import build_network
from .card import Card, Label
from .composed import composed_state, load_checked
from .inputs import PETCT, PETCT_CHANNELS, PETCT_ROLES
from .package import METADATA, Package, read_state, write_package

LICENCE = "not stated in the checkpoint; TMTV-Net is for research only: whoever holds the weights answers for their use"
CITATION = "Yousefirizi et al., TMTV-Net, European Journal of Nuclear Medicine and Molecular Imaging, 2024"
TERMINOLOGY = (
    "Segmentation category and type - DICOM master list~SCT^49755003^Morphologically Altered Structure"
    "~SCT^52988006^Lesion~^^~Anatomic codes - DICOM master list~^^~^^"
)
_MEMBER = re.compile(r"^(?:.*\.)?base_models\.(\d+)\.(.*)$")
_COMBINE = re.compile(r"^(?:.*\.)?sta(?:c)?king_blocks?\.(?:.*\.)?(weight|bias)$")
_UNET_PARTS = (
    (re.compile(r"(?:^|\.)init_block\."), "stem"),
    (re.compile(r"(?:^|\.)downs\.(\d+)\."), "downs.{0}"),
    (re.compile(r"(?:^|\.)middle_block\."), "middle"),
    (re.compile(r"(?:^|\.)ups\.(\d+)\..*ops_deconv\."), "ups.{0}.up"),
    (re.compile(r"(?:^|\.)ups\.(\d+)\..*ops_conv\."), "ups.{0}.merge"),
)
_HEAD = re.compile(r"(?:^|\.)outputs\.(\d+)\..*(weight|bias)$")
_UNUSED = re.compile(r"(?:^|\.)output\.")
_BLOCK = re.compile(r"^(?:.*?\.)?ops\.(\d+)\.(?:(block_1|block_2)\.)?ops\.(.*)$")


def is_checkpoint(path: Path | str) -> bool:
    """Whether a file is torch's and no zipped package."""
    path = Path(path)
    if not path.is_file():
        return False
    if not zipfile.is_zipfile(path):
        return path.suffix.lower() in (".pt", ".pth", ".model", ".ckpt", ".bin")
    try:
        names = zipfile.ZipFile(path).namelist()
    except (zipfile.BadZipFile, OSError):
        return False
    return any(n.endswith("data.pkl") for n in names) and not any(n.endswith(METADATA.as_posix()) for n in names)


def import_tmtvnet(path: Path | str, target: Path | str, *, name: str, refiner: Path | str | None = None) -> Package:
    """Turn TMTV-Net's ensemble, or one member of it, and its refiner into a package at ``target``.

    Raises
    ------
    PackageError
        Not a plain state dict, names or shapes that are not TMTV-Net's, a refiner given as the ensemble.
    """
    members, combine = ensemble_of(read_state(path), where=str(path))
    second = None if refiner is None else refiner_of(read_state(refiner), where=str(refiner))
    card = _card(name, len(members), combine is not None, second is not None, Path(path).name)
    state = composed_state(members, combine=combine, refiner=second) if card.composed else members[0]
    return write_package(target, card, state)


def ensemble_of(state: Mapping[str, Any], *, where: str) -> tuple[list[dict[str, Any]], dict[str, Any] | None]:
    """The members' weights under our names, and the weights that combine them, None where there are none."""
    members: dict[int, dict[str, Any]] = {}
    combine: dict[str, Any] = {}
    for key, value in state.items():
        member, weighs = _MEMBER.match(key), _COMBINE.match(key)
        if member:
            members.setdefault(int(member[1]), {})[member[2]] = value
        elif weighs:
            combine[weighs[1]] = value
        else:
            members.setdefault(0, {})[key] = value
    found = [_unet(members[n], where=f"{where}, network {n + 1}") for n in sorted(members)]
    if combine and set(combine) != {"weight", "bias"}:
        raise PackageError(f"{where}: combines its networks otherwise than linearly; that cannot be read")
    return found, combine or None


def _unet(state: Mapping[str, Any], *, where: str) -> dict[str, Any]:
    """One stage-1 network under our names, loaded once to check every shape."""
    parts: dict[str, dict[str, Any]] = {}
    heads: dict[int, dict[str, Any]] = {}
    odd = []
    for key, value in state.items():
        head = _HEAD.search(key)
        part = next((t.format(*m.groups()) for p, t in _UNET_PARTS if (m := p.search(key))), None)
        if head:
            heads.setdefault(int(head[1]), {})[head[2]] = value
        elif part is not None:
            parts.setdefault(part, {})[key] = value
        elif not _UNUSED.search(key):
            odd.append(key)
    if odd or not heads or "middle" not in parts:
        seen = odd[0] if odd else next(iter(state), "nothing")
        raise PackageError(f"{where}: its tensors are not named as TMTV-Net's first stage (such as {seen}); refused")
    renamed = {}
    for part, tensors in parts.items():
        renamed |= {f"{part}.{name}": value for name, value in _conv_and_norm(tensors, where).items()}
    order = sorted(heads)
    for number in order[:-1]:
        renamed |= {f"supervision.{order.index(number)}.{name}": value for name, value in heads[number].items()}
    renamed |= {f"head.{name}": value for name, value in heads[order[-1]].items()}
    load_checked(build_network("petct", PETCT_CHANNELS, 2), renamed, "petct", where=where)
    return renamed


def refiner_of(state: Mapping[str, Any], *, where: str) -> dict[str, Any]:
    """The refiner's weights under our names."""
    parts: dict[str, dict[str, Any]] = {}
    places = [int(m[1]) for key in state if (m := _BLOCK.match(key))]
    if not places or len(places) != len(state):
        odd = next((key for key in state if not _BLOCK.match(key)), "nothing")
        raise PackageError(f"{where}: its tensors are not named as TMTV-Net's refiner (such as {odd}); refused")
    for key, value in state.items():
        number, inner, _ = _BLOCK.match(key).groups()
        place = int(number)
        if inner is not None:
            part = f"blocks.{place - 1}.{'first' if inner == 'block_1' else 'second'}"
        else:
            part = "stem" if place == 0 else "head"
        parts.setdefault(part, {})[key] = value
    renamed = {}
    for part, tensors in parts.items():
        renamed |= {f"{part}.{name}": value for name, value in _conv_and_norm(tensors, where).items()}
    load_checked(build_network("petct-refiner", PETCT_CHANNELS + 1, 2), renamed, "petct-refiner", where=where)
    return renamed


def _conv_and_norm(tensors: Mapping[str, Any], where: str) -> dict[str, Any]:
    """A block's tensors as ``0.weight, 0.bias`` (convolution) and ``1.weight, 1.bias`` (norm)."""
    convolutions = [key for key, value in tensors.items() if value.ndim == 5]
    if len(convolutions) != 1:
        raise PackageError(f"{where}: {len(convolutions)} convolutions in one block, expected 1; not TMTV-Net's")
    stem = convolutions[0].rsplit(".", 1)[0]
    found = {}
    for key, value in tensors.items():
        before, last = key.rsplit(".", 1)
        if last in ("weight", "bias"):
            found[f"{0 if before == stem else 1}.{last}"] = value
    return found


def _card(name: str, members: int, weighed: bool, refined: bool, file: str) -> Card:
    card = Card(
        name=name,
        description="Lymphoma lesions on FDG PET/CT: TMTV-Net's weights, as its holder gave them. Research only.",
        roles=PETCT_ROLES,
        reference_role="pet",
        labels=(Label(1, "lesion", 1, "#D55E00", TERMINOLOGY, ("lymphoma", "tumour")),),
        network="petct",
        in_channels=PETCT_CHANNELS,
        out_channels=2,
        normalisation=PETCT,
        spacing=(6.0, 6.0, 6.0),
        window=(128, 96, 96),
        overlap=0.5,
        members=members,
        combination="linear" if weighed else "mean",
        origin={"text": f"converted from the checkpoint {file} of TMTV-Net", "authors": "the authors of TMTV-Net"},
        licence=LICENCE,
        citation=CITATION,
    )
    stage = {"network": "petct-refiner", "arguments": {}, "window": [96, 96, 96], "overlap": 0.5}
    return replace(card, refiner=stage) if refined else card
