"""The NIfTI-1/2 header as it is on disk: SimpleITK repairs some geometries in silence."""

from __future__ import annotations

import gzip
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .grid import Grid

# An offset of at most this share of a voxel between the two affines of a header is rounding.
_ROUNDING = 0.1


@dataclass(frozen=True)
class NiftiHeader:
    """What decides size and geometry. Affines are 3x4, RAS, mm."""

    sizes: tuple[int, ...]
    bits: int
    float_type: np.dtype | None
    voxel_offset: int
    single_file: bool
    spacing: tuple[float, ...]
    qform_code: int
    sform_code: int
    qform: np.ndarray
    sform: np.ndarray

    @classmethod
    def read(cls, path: str | Path) -> NiftiHeader | None:
        """The header of a .nii or .nii.gz file, or None when it is not NIfTI."""
        with Path(path).open("rb") as file:
            zipped = file.read(2) == b"\x1f\x8b"
        try:
            with gzip.open(path) if zipped else Path(path).open("rb") as file:
                raw = file.read(540)
        except (EOFError, gzip.BadGzipFile, zlib.error):
            return None
        for order in "<>":
            if raw[:4] == struct.pack(order + "i", 348) and len(raw) >= 348:
                return _parse(raw, order, version=1)
            if raw[:4] == struct.pack(order + "i", 540) and len(raw) >= 540:
                return _parse(raw, order, version=2)
        return None

    @property
    def bytes_needed(self) -> int:
        """Bytes of the whole uncompressed file."""
        voxels = 1
        for size in self.sizes:
            voxels *= size
        return self.voxel_offset + voxels * self.bits // 8


def _parse(raw: bytes, order: str, *, version: int) -> NiftiHeader:
    def get(code: str, where: tuple[int, int]) -> tuple:
        return struct.unpack_from(order + code, raw, where[version - 1])

    dim = get("8h" if version == 1 else "8q", (40, 16))
    pixdim = get("8f" if version == 1 else "8d", (76, 104))
    codes = get("2h" if version == 1 else "2i", (252, 344))
    numbers = "f" if version == 1 else "d"
    quaternion = get("6" + numbers, (256, 352))
    return NiftiHeader(
        sizes=tuple(dim[1 : 1 + max(0, min(dim[0], 7))]),
        float_type=_float_type(get("h", (70, 12))[0], order),
        bits=get("h", (72, 14))[0],
        voxel_offset=int(get("f" if version == 1 else "q", (108, 168))[0]),
        single_file=raw[(344, 4)[version - 1] :][:2] == b"n+",
        spacing=tuple(pixdim[1:4]),
        qform_code=codes[0],
        sform_code=codes[1],
        qform=_from_quaternion(quaternion, pixdim),
        sform=np.array(get("12" + numbers, (280, 400))).reshape(3, 4),
    )


def _float_type(code: int, order: str) -> np.dtype | None:
    """The number type on disk when it is one that can hold NaN (float32, float64)."""
    name = {16: "f4", 64: "f8"}.get(code)
    return None if name is None else np.dtype(order + name)


def _from_quaternion(values: tuple[float, ...], pixdim: tuple[float, ...]) -> np.ndarray:
    """Method 2 of the NIfTI standard: (b, c, d, offsets) to a 3x4 affine."""
    b, c, d = values[:3]
    rest = 1 - b * b - c * c - d * d
    if rest < 1e-7:  # float32 leaves no more of a half turn: the standard's own code takes a as 0 there
        length = (b * b + c * c + d * d) ** 0.5
        a, b, c, d = 0.0, b / length, c / length, d / length
    else:
        a = rest**0.5
    rotation = np.array(
        [
            [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
            [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
            [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c],
        ]
    )
    scale = np.array([pixdim[1], pixdim[2], pixdim[3] * (-1 if pixdim[0] < 0 else 1)])
    return np.concatenate([rotation * scale, np.array(values[3:]).reshape(3, 1)], axis=1)


def why_unusable(header: NiftiHeader) -> str | None:
    """What is wrong with the geometry of a header, before ITK sees it, or None."""
    if any(not np.isfinite(v) or v <= 0 for v in header.spacing[: len(header.sizes)]):
        return f"its voxel size {tuple(header.spacing)} is not positive; correct the header (pixdim)"
    if header.sform_code > 0 and not _second_space(header):
        problem = why_not_orthonormal(header.sform[:, :3])
        if problem:
            return f"its sform {problem}; resample it to an upright grid or correct the header"
    return None


def why_not_orthonormal(steps: np.ndarray) -> str | None:
    """What is wrong with a 3x3 matrix whose columns are voxel steps in mm, or None."""
    if not np.isfinite(steps).all():
        return "holds NaN or infinite numbers"
    lengths = np.linalg.norm(steps, axis=0)
    if (lengths <= 0).any() or abs(np.linalg.det(steps / np.where(lengths > 0, lengths, 1))) < 1e-3:
        return "is singular (two axes run the same way)"
    unit = steps / lengths
    worst = float(np.abs(unit.T @ unit - np.eye(3)).max())
    # ITK accepts up to about 2e-4; 1e-4 rad is 0.03 mm at the edge of a head.
    if worst > 2e-4:
        return f"is sheared (axes {np.degrees(np.arcsin(min(worst, 1))):.2f} degrees off a right angle)"
    return None


def why_two_geometries(header: NiftiHeader, grid: Grid) -> str | None:
    """How the header's affines contradict the grid that ITK made of them, or None."""
    lps = np.diag([-1.0, -1.0, 1.0])
    corners = np.array([[n - 1 if bit & 1 << a else 0 for a, n in enumerate(grid.size)] for bit in range(8)], float)
    declared = {}
    if header.qform_code > 0:
        declared["qform"] = header.qform
    if header.sform_code > 0 and not _second_space(header):
        declared["sform"] = header.sform
    for name, affine in declared.items():
        points = (corners @ affine[:, :3].T + affine[:, 3]) @ lps
        apart = float(np.linalg.norm(points - grid.points(corners), axis=1).max())
        if not apart <= _ROUNDING * min(grid.spacing):
            return f"its {name}, its other affine and its voxel size disagree by {apart:.2f} mm; keep one in the header"
    return None


def _second_space(header: NiftiHeader) -> bool:
    """Whether the sform only leads to a standard space (codes 3 and up) beside a scanner qform."""
    return header.sform_code >= 3 and header.qform_code > 0
