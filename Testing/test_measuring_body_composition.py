"""Areas, density and index of a labelled slice, by hand-counted examples."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from TransferSegLib.errors import InputError
from TransferSegLib.measuring.body_composition import body_composition, check_height


def test_areas_density_and_index_by_hand():
    labels = np.zeros((20, 30), np.uint8)
    hu = np.zeros((20, 30))
    labels[:10, :10], hu[:10, :10] = 1, 40  # 100 pixels
    hu[0, :10] = 60
    labels[:10, 10:20], hu[:10, 10:20] = 2, -100
    labels[10:, :10], hu[10:, :10] = 3, -80
    labels[10:, 10:15], hu[10:, 10:15] = 4, -60
    found = body_composition(labels, hu, (2.0, 5.0), height_m=2.0)
    assert found["areas_cm2"] == {
        "skeletal_muscle": 10.0,
        "subcutaneous_fat": 10.0,
        "visceral_fat": 10.0,
        "intermuscular_fat": 5.0,
    }
    assert found["muscle_density_hu"] == pytest.approx(42.0)
    assert found["skeletal_muscle_index"] == pytest.approx(2.5)


def test_what_is_painted_outside_the_range_does_not_count_and_is_said():
    labels = np.ones((10, 10), np.uint8)
    hu = np.full((10, 10), -29.0)
    hu[0], hu[1], hu[2] = -30, 150, 151
    found = body_composition(labels, hu, (10, 10))
    assert found["areas_cm2"]["skeletal_muscle"] == 80 and found["outside_range_cm2"]["skeletal_muscle"] == 20
    assert found["skeletal_muscle_index"] is None


def test_without_muscle_there_is_no_density():
    found = body_composition(np.zeros((4, 4), np.uint8), np.zeros((4, 4)), (1, 1), 1.7)
    assert found["muscle_density_hu"] is None and found["skeletal_muscle_index"] == 0


@given(st.integers(0, 4), st.floats(-1000, 1000), st.floats(0.3, 3), st.floats(0.3, 3))
def test_no_area_is_lost(value, level, rows, columns):
    found = body_composition(np.full((5, 7), value), np.full((5, 7), level), (rows, columns))
    total = sum(found["areas_cm2"].values()) + sum(found["outside_range_cm2"].values())
    assert total == pytest.approx(35 * rows * columns / 100 if value else 0)


@pytest.mark.parametrize(
    ("height", "words"),
    [(170, "give metres, 1.70"), (0, "of a person"), ("tall", "not a number"), (9, "of a person")],
)
def test_a_height_that_is_none_in_metres_is_refused(height, words):
    with pytest.raises(InputError, match=words):
        check_height(height)
    assert check_height("1.7") == 1.7 and check_height(None) is None


def test_other_shapes_and_spacings_are_refused():
    with pytest.raises(InputError, match="one slice"):
        body_composition(np.zeros((3, 3)), np.zeros((3, 4)), (1, 1))
    with pytest.raises(InputError, match="positive"):
        body_composition(np.zeros((3, 3)), np.zeros((3, 3)), (1, 0))


def test_it_needs_numpy_only():
    code = (
        "import TransferSegLib.measuring.body_composition, TransferSegLib.level.readers, sys;"
        "sys.exit(bool({'torch', 'SimpleITK', 'monai'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parent.parent).returncode == 0
