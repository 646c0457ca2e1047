"""Two images made ready for registration: mutual information between them, and its optimum."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from ..events import Events, quiet
from ..imaging import Grid

SEED = 20240501
BINS = 32
# Two millimetres keep a whole head under a million voxels; registration there is good to a few tenths of one.
FINE_MM = 2.0
SAMPLES = 30_000

_lock = threading.Lock()
_inside = 0
_threads_before = 1


class Pair:
    """Two images made ready for registration: float32, 2 mm isotropic, outliers capped."""

    def __init__(
        self,
        fixed: sitk.Image,
        moving: sitk.Image,
        *,
        fixed_mask: np.ndarray | None = None,
        events: Events | None = None,
    ) -> None:
        self.fixed = coarse_image(fixed, FINE_MM, events=events)
        self.moving = coarse_image(moving, FINE_MM, events=events)
        self.mask = None
        if fixed_mask is not None:
            mask = Grid.of(fixed).put_on(sitk.GetImageFromArray(fixed_mask.astype(np.uint8)))
            self.mask = sitk.Resample(mask, self.fixed, sitk.Transform(), sitk.sitkNearestNeighbor)
        array = sitk.GetArrayViewFromImage(self.fixed)
        where = np.ones(array.shape, bool) if self.mask is None else sitk.GetArrayViewFromImage(self.mask) > 0
        chosen = np.flatnonzero(where)
        chosen = chosen[:: max(len(chosen) // (2 * SAMPLES), 1)]
        self._points = Grid.of(self.fixed).points(np.stack(np.unravel_index(chosen, array.shape)[::-1], axis=1))
        fixed = array.ravel()[chosen]
        self._fixed_bins = _bins(fixed, float(fixed.min()), float(fixed.max()))
        other = sitk.GetArrayViewFromImage(self.moving)
        self._range = float(other.min()), float(other.max())

    def centre(self) -> np.ndarray:
        """Centre of the fixed image's mask, or of its intensities, mm."""
        return centre_of(self.mask if self.mask is not None else self.fixed)

    def moving_centre(self) -> np.ndarray:
        """Centre of the moving image's intensities, mm."""
        return centre_of(self.moving)

    def optimise(
        self,
        start: sitk.Transform,
        *,
        shrink: Sequence[int],
        smooth: Sequence[float],
        step_mm: float,
        events: Events | None = None,
    ) -> sitk.Transform:
        """The transform of ``start``'s kind with the most mutual information near ``start``; never one with less.

        ``step_mm`` is the first step: too long a one leaves the basin and does not come back. A cancel takes effect
        after the iteration in work.
        """
        events = quiet(events)
        events.check()
        method = self._method()
        voxels = self.fixed.GetNumberOfPixels()
        method.SetMetricSamplingStrategy(method.RANDOM)
        shares = [min(1.0, SAMPLES * factor**3 / voxels) for factor in shrink]
        method.SetMetricSamplingPercentagePerLevel(shares, seed=SEED)
        method.SetOptimizerAsRegularStepGradientDescent(
            learningRate=step_mm, minStep=0.01, numberOfIterations=100, relaxationFactor=0.6
        )
        method.SetOptimizerScalesFromPhysicalShift()
        method.SetShrinkFactorsPerLevel(list(shrink))
        method.SetSmoothingSigmasPerLevel(list(smooth))
        method.SmoothingSigmasAreSpecifiedInPhysicalUnitsOn()
        moved = type(start)(start)
        method.SetInitialTransform(moved, inPlace=True)
        method.AddCommand(sitk.sitkIterationEvent, lambda: method.StopRegistration() if events.cancelled else None)
        try:
            with single_thread():
                method.Execute(self.fixed, self.moving)
        except RuntimeError:
            # ITK raises where all samples leave the moving image: that start leads nowhere.
            return start
        finally:
            method.RemoveAllCommands()  # the command holds the method, which holds the command
            events.check()
        return moved if self.information(moved) >= self.information(start) else start

    def information(self, transform: sitk.Transform) -> float:
        """Mutual information (nats) of the pair under a linear transform; -inf where they hardly overlap."""
        inside, index = self._moved(transform)
        if inside.mean() < 0.2:
            return -np.inf
        array = sitk.GetArrayViewFromImage(self.moving)
        values = ndimage.map_coordinates(array, index[inside][:, ::-1].T, order=1, mode="nearest")
        joint = np.bincount(self._fixed_bins[inside] * BINS + _bins(values, *self._range), minlength=BINS * BINS)
        joint = joint.reshape(BINS, BINS) / joint.sum()
        product = joint.sum(1, keepdims=True) * joint.sum(0, keepdims=True)
        filled = joint > 0
        return float((joint[filled] * np.log(joint[filled] / product[filled])).sum())

    def overlap(self, transform: sitk.Transform) -> float:
        """Share of the fixed sample points that fall inside the moving image."""
        return float(self._moved(transform)[0].mean())

    def _moved(self, transform: sitk.Transform) -> tuple[np.ndarray, np.ndarray]:
        """Which sample points fall inside the moving image, and all their indices (n, 3) there."""
        origin, *corners = (np.array(transform.TransformPoint(p)) for p in np.vstack([np.zeros(3), np.eye(3)]).tolist())
        matrix = np.stack([corner - origin for corner in corners], axis=1)
        index = Grid.of(self.moving).indices(self._points @ matrix.T + origin)
        return ((index >= -0.5) & (index <= np.array(self.moving.GetSize()) - 0.5)).all(1), index

    def _method(self) -> sitk.ImageRegistrationMethod:
        method = sitk.ImageRegistrationMethod()
        method.SetMetricAsMattesMutualInformation(numberOfHistogramBins=BINS)
        method.SetInterpolator(sitk.sitkLinear)
        if self.mask is not None:
            method.SetMetricFixedMask(self.mask)
        return method


def centre_of(image: sitk.Image) -> np.ndarray:
    """Centre of gravity of the intensities above the lowest, mm; of the field of view where all are equal."""
    weights = sitk.GetArrayViewFromImage(image).astype(np.float64)
    weights -= weights.min()
    if weights.sum() <= 0:
        return Grid.of(image).corners().mean(0)
    return Grid.of(image).points([ndimage.center_of_mass(weights)[::-1]])[0]


@contextmanager
def single_thread() -> Iterator[None]:
    """Filters started meanwhile use one thread: sums over threads come in any order, and so differ each time.

    ITK's metric takes the number from the process-wide default only, so that is what is set, and put back.
    """
    global _inside, _threads_before
    with _lock:
        if _inside == 0:
            _threads_before = sitk.ProcessObject.GetGlobalDefaultNumberOfThreads()
            sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if _inside == 0:
                sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(_threads_before)


def _bins(values: np.ndarray, low: float, high: float) -> np.ndarray:
    scale = (BINS - 1e-3) / (high - low) if high > low else 0.0
    return ((values - low) * scale).astype(np.int64)


def coarse_image(image: sitk.Image, mm: float, *, events: Events | None = None) -> sitk.Image:
    """float32 copy smoothed and sampled at about ``mm``, intensities capped at the 99.8th percentile."""
    image = sitk.Cast(image, sitk.sitkFloat32)
    values = sitk.GetArrayViewFromImage(image)[::3, ::3, ::3]
    image = sitk.Clamp(image, sitk.sitkFloat32, *(float(v) for v in np.percentile(values, (0.05, 99.8))))
    grid = Grid.of(image)
    for axis, (spacing, size) in enumerate(zip(grid.spacing, grid.size)):
        quiet(events).check()
        if spacing < 0.75 * mm and size >= 4:
            image = sitk.RecursiveGaussian(image, sigma=0.4 * mm, direction=axis)
    wanted = grid.with_spacing(tuple(mm if s < 0.75 * mm or s > 1.5 * mm else s for s in grid.spacing))
    return sitk.Resample(
        image, wanted.size, sitk.Transform(), sitk.sitkLinear, wanted.origin, wanted.spacing, wanted.direction
    )
