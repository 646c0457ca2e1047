"""What the card of a new model says of its input: preparation, slices, window, and whether one channel is enough."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..cases import of_pictures
from ..errors import UsageError
from ..networks import NetworkSpec, network_spec
from ..packages import CT, PETCT, PETCT_ROLES, PICTURE, SLICES, input_channels, needed_roles
from ..preparing import CONTRASTS, DENOISERS, SOFT_TISSUE_HU

# Voxel and window of a PET/CT network: as published (methods.md, section 1); the light one sees small lesions better.
PETCT_GRIDS = {"petct": ((6.0, 6.0, 6.0), (128, 96, 96))}
LIGHT_GRID = ((4.0, 4.0, 4.0), (96, 96, 96))
# A whole slice where it is not larger: the window shrinks to it.
SLICE_WINDOW = (512, 512)


@dataclass(frozen=True)
class NewModel:
    """What a user may say of a new model's input; None is the default.

    Parameters
    ----------
    slices : {"axial", "coronal", "sagittal"}
        What a 2-D network works on.
    hu : (float, float)
        Window of a CT, HU.
    denoise, contrast : str
        Filters of a CT (`prepare_ct`).
    spacing : tuple of float
        mm along i, j, k; two numbers leave the slices of a 2-D network where they are, one is for all axes.
    """

    slices: str | None = None
    hu: tuple[float, float] | None = None
    denoise: str | None = None
    contrast: str | None = None
    spacing: tuple[float, ...] | None = None

    def given(self) -> list[str]:
        """The options that were given."""
        return [f"--{name}" for name in self.__dataclass_fields__ if getattr(self, name) is not None]


def input_of(roles: Sequence[str], network: str, wanted: NewModel) -> dict[str, Any]:
    """The fields of a new card that say how images of these roles are prepared for a network.

    A CT has no spacing yet where none is given: it is the usual one of the training set (`with_statistics`).

    Raises
    ------
    UsageError
        Roles and network, or an option and they, do not go together.
    """
    spec, names = network_spec(network), set(roles)
    if network.startswith("petct") and names != set(PETCT_ROLES):
        raise UsageError(f"--network {network}: needs the roles pet and ct, the data have {', '.join(roles)}")
    _check(roles, spec, wanted)
    if names == set(PETCT_ROLES):
        spacing, window = PETCT_GRIDS.get(network, LIGHT_GRID)
        fields = {"roles": PETCT_ROLES, "reference_role": "pet", "normalisation": PETCT, "window": window}
        fields["spacing"] = spacing
    elif of_pictures(roles):
        fields = {"roles": tuple(roles), "normalisation": PICTURE, "spacing": (1.0, 1.0)}
    elif names == {"ct"}:
        filters = {"denoise": wanted.denoise or "none", "contrast": wanted.contrast or "none"}
        intensities = {"window": list(wanted.hu or SOFT_TISSUE_HU), **filters}
        fields = {"roles": ("ct",), "normalisation": CT, "intensities": intensities, "spacing": ()}
    else:
        fields = {"roles": tuple(roles)}
    if spec.dims == 2:
        fields |= {"window": SLICE_WINDOW, "orientation": SLICES[wanted.slices or "axial"]}
        fields["spacing"] = tuple(fields.get("spacing", (1.0, 1.0)))[:2]
    if wanted.spacing is not None:
        fields["spacing"] = _spacing(wanted.spacing, spec)
    channels = input_channels(fields.get("normalisation", ""), fields["roles"])
    if channels is None:
        raise UsageError(f"--roles {' '.join(roles)}: a model takes {needed_roles(fields['normalisation'])}; choose")
    return fields | {"in_channels": channels}


def one_channel(spec: NetworkSpec, labels: int) -> bool:
    """Whether a network gives one sigmoid channel, as published, and not a softmax: for one label."""
    return labels == 1 and spec.has_decoder and spec.default_channels[1] == 1


def _check(roles: Sequence[str], spec: NetworkSpec, wanted: NewModel) -> None:
    if spec.dims != 2:
        if of_pictures(roles):
            raise UsageError(
                f"--network {spec.name}: is 3-D, a picture has two dimensions; name a 2-D network such as "
                "unet2d-32-64-128"
            )
        if wanted.slices is not None:
            raise UsageError(f"--slices {wanted.slices}: {spec.name} is a 3-D network; leave it out")
    if wanted.slices is not None and wanted.slices not in SLICES:
        raise UsageError(f"--slices {wanted.slices}: unknown; choose one of {', '.join(SLICES)}")
    if of_pictures(roles) and (wanted.slices or wanted.spacing):
        raise UsageError(f"{wanted.given()[0]}: a picture has one slice and no millimetres; leave it out")
    for option, value, known in (("denoise", wanted.denoise, DENOISERS), ("contrast", wanted.contrast, CONTRASTS)):
        if value is not None and value not in known:
            raise UsageError(f"--{option} {value}: unknown; choose one of {', '.join(known)}")
    filters = [name for name in wanted.given() if name in ("--hu", "--denoise", "--contrast")]
    if filters and set(roles) != {"ct"}:
        raise UsageError(f"{filters[0]}: is for models of a CT alone, the roles are {', '.join(roles)}; leave it out")
    if wanted.hu is not None and not wanted.hu[0] < wanted.hu[1]:
        raise UsageError(f"--hu {wanted.hu[0]:g} {wanted.hu[1]:g}: the first must be below the second")


def _spacing(given: Sequence[float], spec: NetworkSpec) -> tuple[float, ...]:
    spacing = tuple(float(step) for step in given) * (spec.dims if len(given) == 1 else 1)
    allowed = (2, 3) if spec.dims == 2 else (3,)
    if len(spacing) not in allowed or min(spacing) <= 0:
        counts = " or ".join(str(n) for n in (1, *allowed))
        raise UsageError(f"--spacing {' '.join(f'{s:g}' for s in given)}: give {counts} lengths above 0 mm")
    return spacing
