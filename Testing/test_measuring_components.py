"""Parts and components of a mask: against SciPy on the whole volume, a flood by hand, and cc3d against SciPy."""

from __future__ import annotations

import itertools
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import ndimage

from TransferSegLib.errors import UsageError
from TransferSegLib.measuring import common_voxels, components, put_together, separate_parts, voxels_of
from TransferSegLib.measuring.parts import overlaps

SHAPE = (41, 33, 50)
BOXES = st.lists(st.tuples(*(st.tuples(st.integers(0, n - 1), st.integers(1, 12)) for n in SHAPE)), max_size=8)


def sparse(seed: int, share: float, shape: tuple[int, int, int] = (33, 41, 26)) -> np.ndarray:
    return np.random.default_rng(seed).random(shape) < share


def flooded(mask: np.ndarray, connectivity: int) -> list[set]:
    """Components by a flood from voxel to voxel, in raster order of their first voxel."""
    reach = {6: 1, 18: 2, 26: 3}[connectivity]
    steps = [s for s in itertools.product((-1, 0, 1), repeat=3) if 0 < sum(map(abs, s)) <= reach]
    left, found = {tuple(map(int, place)) for place in np.argwhere(mask)}, []
    while left:
        todo, component = [min(left)], set()
        while todo:
            place = todo.pop()
            if place in left:
                left.discard(place)
                component.add(place)
                todo += [tuple(a + b for a, b in zip(place, step)) for step in steps]
        found.append(component)
    return found


def places_of(part) -> set:
    return {tuple(map(int, place)) for place in part.indices()}


@settings(max_examples=60, deadline=None)
@given(boxes=BOXES)
def test_parts_make_the_mask_again_and_are_no_neighbours(boxes: list) -> None:
    mask = np.zeros(SHAPE, bool)
    for box in boxes:
        mask[tuple(slice(start, start + size) for start, size in box)] = True
    parts = separate_parts(mask)
    np.testing.assert_array_equal(put_together(parts, mask.shape), mask)
    assert voxels_of(parts) == mask.sum()
    near = ndimage.label(mask, np.ones((3, 3, 3)))[0]
    owners = [set(np.unique(near[part.box][part.mask]).tolist()) for part in parts]
    assert sum(map(len, owners)) == len(set().union(*owners)) if owners else not mask.any()
    for part in parts:
        sides = [np.moveaxis(part.mask, axis, 0) for axis in range(3)]
        assert all(side[0].any() and side[-1].any() for side in sides), "the box is not the smallest"


@pytest.mark.parametrize("kind", [bool, np.uint8, np.int16])
def test_parts_of_any_kind_of_mask_and_any_layout(kind: type) -> None:
    mask = sparse(0, 0.0001, (90, 80, 70))
    assert len(separate_parts(mask)) > 5
    values = np.where(mask, 3, 0).astype(kind)
    for view, back in ((values, mask), (values.T, mask.T), (values[::-1, ::2], mask[::-1, ::2])):
        np.testing.assert_array_equal(put_together(separate_parts(view), back.shape), back)


def test_no_voxel_no_part() -> None:
    for shape in ((3, 4, 5), (0, 4, 5), (3, 0, 2)):
        assert separate_parts(np.zeros(shape, bool)) == [] and components(np.zeros(shape, np.uint8)) == []


@pytest.fixture(params=["scipy", "cc3d"])
def backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways of finding components, whichever is installed."""
    if request.param == "cc3d":
        pytest.importorskip("cc3d", reason="connected-components-3d is not installed (extra components)")
    else:
        monkeypatch.setitem(sys.modules, "cc3d", None)
    return request.param


@pytest.mark.parametrize("share", [0.0005, 0.01, 0.1, 0.4])
@pytest.mark.parametrize("connectivity", [6, 18, 26])
def test_components_are_scipys_in_scipys_order(backend: str, share: float, connectivity: int) -> None:
    mask = sparse(1, share)
    structure = ndimage.generate_binary_structure(3, {6: 1, 18: 2, 26: 3}[connectivity])
    labels, count = ndimage.label(mask, structure)
    found = components(mask, connectivity=connectivity)
    again = np.zeros_like(labels)
    for number, part in enumerate(found, 1):
        again[part.box][part.mask] = number
    assert len(found) == count
    np.testing.assert_array_equal(again, labels)


@settings(max_examples=40, deadline=None)
@given(mask=arrays.arrays(bool, (4, 5, 6)), connectivity=st.sampled_from([6, 18, 26]))
def test_components_by_a_flood(mask: np.ndarray, connectivity: int) -> None:
    assert [places_of(part) for part in components(mask, connectivity=connectivity)] == flooded(mask, connectivity)


def test_edges_join_and_corners_do_not() -> None:
    mask = np.zeros((20, 20, 20), bool)
    mask[7, 7, 7] = mask[8, 8, 7] = mask[9, 9, 8] = True
    assert [part.voxels for part in components(mask)] == [2, 1]
    assert [len(components(mask, connectivity=own)) for own in (6, 18, 26)] == [3, 2, 1]
    with pytest.raises(UsageError, match="connectivity: got 8"):
        components(mask, connectivity=8)


@pytest.mark.parametrize("share", [0.02, 0.1])
def test_overlaps_are_counted_pair_by_pair(share: float) -> None:
    masks = sparse(2, share), sparse(3, share * 2)
    maps = [ndimage.label(mask, ndimage.generate_binary_structure(3, 2))[0] for mask in masks]
    both = masks[0] & masks[1]
    pairs, counts = np.unique(np.stack([own[both] for own in maps]), axis=1, return_counts=True)
    expected = {(int(a) - 1, int(b) - 1, int(n)) for (a, b), n in zip(pairs.T, counts)}
    found = [components(mask) for mask in masks]
    assert set(overlaps(*found)) == expected and expected
    assert common_voxels(*found) == common_voxels(*map(separate_parts, masks)) == both.sum()
    assert list(overlaps([], found[1])) == list(overlaps(found[0], [])) == []
