"""The sliding window against MONAI's own, whole and in parts: labels, skipped windows, padding, memory."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
import torch
from monai.inferers import sliding_window_inference
from monai.networks.nets import DynUNet, UNet

from TransferSegLib.errors import UsageError
from TransferSegLib.inference import OutputRule, gaussian_weights, place_windows, segment_array
from TransferSegLib.inference.fitting import ChannelsLastInstanceNorm
from TransferSegLib.inference.stitching import SlabStitcher

WINDOW = (32, 32, 32)
ALL = OutputRule("softmax", (1, 2, 3, 4), (1, 2, 3, 4))


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def small_unet(seed: int = 0) -> UNet:
    torch.manual_seed(seed)
    return UNet(spatial_dims=3, in_channels=2, out_channels=5, channels=(4, 8, 16), strides=(2, 2)).eval()


def small_dynunet(seed: int = 0) -> DynUNet:
    torch.manual_seed(seed)
    return DynUNet(3, 2, 5, [3] * 3, [1, 2, 2], [2] * 2, filters=[8, 12, 16]).eval()


def volume(shape=(40, 50, 36), channels: int = 2, seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(channels, *shape)).astype(np.float32)


def monai_logits(network, array: np.ndarray) -> torch.Tensor:
    """The independent result: MONAI's sliding window over the whole volume in float32."""
    with torch.inference_mode():
        return sliding_window_inference(
            torch.from_numpy(array)[None], WINDOW, 1, network, overlap=0.5, mode="gaussian", sigma_scale=0.125
        )[0]


@pytest.mark.parametrize("make", [small_unet, small_dynunet])
@pytest.mark.parametrize("shape", [(40, 50, 36), (70, 32, 33), (32, 32, 32)])
def test_labels_are_those_of_monai(make, shape):
    network, array = make(), volume(shape)
    expected = monai_logits(network, array).argmax(0).numpy()
    found = segment_array(network, array, outputs=ALL, window=WINDOW, device="cpu", precision="float32", divisor=4)
    assert len(np.unique(expected)) >= 3, "the check means nothing on a constant map"
    assert (found.labels != expected).mean() < 1e-4
    assert found.labels.dtype == np.uint8 and found.labels.shape == shape


def test_batches_and_a_full_mask_change_nothing():
    network, array = small_unet(), volume()
    one = segment_array(network, array, outputs=ALL, window=WINDOW, device="cpu", precision="float32", divisor=4)
    mask = np.ones(array.shape[1:], bool)
    four = segment_array(
        network, array, mask, outputs=ALL, window=WINDOW, device="cpu", precision="float32", divisor=4, batch=3
    )
    assert one.windows == four.windows == 2 * 3 * 2 and four.skipped == 0
    assert (one.labels != four.labels).mean() < 1e-4


def test_inactive_classes_join_the_background():
    """Within one window the merged logit is the logsumexp of background and inactive channels."""
    network, array = small_unet(), volume(WINDOW)
    rule = OutputRule("softmax", (3, 1), (7, 9))
    found = segment_array(network, array, outputs=rule, window=WINDOW, device="cpu", precision="float32", divisor=4)
    p = monai_logits(network, array).softmax(0).numpy()
    expected = np.array([0, 7, 9], np.uint8)[np.stack([p[0] + p[2] + p[4], p[3], p[1]]).argmax(0)]
    assert (found.labels != expected).mean() < 1e-4
    plain = np.array([0, 9, 0, 7, 0], np.uint8)[p.argmax(0)]
    assert (plain != expected).any(), "merging and dropping must differ here, or the test is blind"


def test_sigmoid_regions_override_in_order():
    network, array = small_unet(), volume()
    rule = OutputRule("sigmoid", (2, 0, 4), (2, 1, 4))
    found = segment_array(network, array, outputs=rule, window=WINDOW, device="cpu", precision="float32", divisor=4)
    logits = monai_logits(network, array).numpy()
    expected = np.zeros(array.shape[1:], np.uint8)
    for channel, value in ((2, 2), (0, 1), (4, 4)):
        expected[logits[channel] > 0] = value
    assert (found.labels != expected).mean() < 1e-4


def test_empty_windows_are_skipped_and_background():
    calls = []

    def network(x):
        calls.append(tuple(x.shape))
        return torch.cat([torch.zeros_like(x[:, :1]), torch.ones_like(x[:, :1])], 1)

    array, mask = volume((160, 32, 32)), np.zeros((160, 32, 32), bool)
    mask[:20], mask[150:] = True, True
    rule = OutputRule("softmax", (1,), (5,))
    found = segment_array(network, array, mask, outputs=rule, window=WINDOW, device="cpu", divisor=16)
    assert found.windows == len(calls) == 3 and found.skipped == 6
    covered = np.zeros(160, bool)
    covered[:48], covered[128:] = True, True
    assert np.array_equal(found.labels == 5, np.broadcast_to(covered[:, None, None], mask.shape))


def test_an_empty_mask_runs_nothing():
    def network(x):
        raise AssertionError("no window should run")

    found = segment_array(network, volume(), np.zeros((40, 50, 36), bool), outputs=ALL, window=WINDOW, device="cpu")
    assert found.windows == 0 and not found.labels.any()


@pytest.mark.parametrize("shape", [(20, 40, 36), (7, 9, 11), (32, 31, 65)])
def test_small_volumes_keep_their_place(shape):
    """A network that copies its input must give the input's own labels back, whatever was padded."""
    array = volume(shape, channels=1)
    rule = OutputRule("sigmoid", (0,), (3,))
    found = segment_array(lambda x: x, array, outputs=rule, window=WINDOW, device="cpu", divisor=16)
    assert np.array_equal(found.labels, np.where(array[0] > 0, 3, 0))


def test_a_mask_off_centre_keeps_its_place():
    array, mask = volume((50, 60, 70), channels=1), np.zeros((50, 60, 70), bool)
    mask[3:9, 50:60, 40:44] = True
    rule = OutputRule("sigmoid", (0,), (3,))
    found = segment_array(lambda x: x, array, mask, outputs=rule, window=WINDOW, device="cpu", divisor=16)
    assert found.windows == 1
    assert np.array_equal(found.labels[mask], np.where(array[0] > 0, 3, 0)[mask])
    assert found.labels[40:].max() == 0


def test_read_only_and_float64_arrays_are_taken_without_a_warning(recwarn):
    array = volume(WINDOW, channels=1)
    rule = OutputRule("sigmoid", (0,), (3,))
    locked = array.copy()
    locked.setflags(write=False)
    for given in (locked, array.astype(np.float64), np.asfortranarray(array)):
        found = segment_array(lambda x: x, given, outputs=rule, window=WINDOW, device="cpu")
        assert np.array_equal(found.labels, np.where(array[0] > 0, 3, 0))
    assert not [w for w in recwarn if "writ" in str(w.message)]


def test_sums_are_held_for_one_window_depth_only():
    """Four times the slices must not cost more floats than the label map and the volume's own share."""
    rule, weights = OutputRule("softmax", (1, 2), (1, 2)), torch.from_numpy(gaussian_weights((16, 16, 16)))
    short = SlabStitcher(rule, (16, 64, 64), weights, probabilities=False, entropy=False)
    long = SlabStitcher(rule, (256, 64, 64), weights, probabilities=False, entropy=False)
    assert short._sums.numel() == long._sums.numel() == 3 * 16 * 64 * 64
    tracemalloc.start()
    for k in range(0, 241, 8):
        long.add((k, 0, 0), torch.ones((3, 16, 16, 16)) * torch.tensor([0.0, 1.0, 0.5])[:, None, None, None])
    long.finish()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 256 * 64 * 64, "numpy memory beyond the label map"
    assert (long.labels[:, :16, :16] == 1).all() and (long.labels[:, 16:] == 0).all()


def test_windows_are_as_few_as_nnunet_has():
    """BraTS-GLI-00001's brain: 137 x 190 x 140 gives 8 windows of 128; every voxel is covered, none left out."""
    place = place_windows((137, 190, 140), window=(128,) * 3)
    assert len(place.starts) == 8
    for shape in ((129, 192, 193), (200, 128, 300), (64, 65, 66)):
        place = place_windows(shape, window=(64, 64, 64))
        expected = np.prod([int(np.ceil((n - 64) / 32)) + 1 for n in shape])
        covered = np.zeros(shape, bool)
        for k, j, i in place.starts:
            covered[k : k + 64, j : j + 64, i : i + 64] = True
            assert k + 64 <= shape[0] and j + 64 <= shape[1] and i + 64 <= shape[2]
        assert len(place.starts) == expected and covered.all() and not place.padded
        assert [s[0] for s in place.starts] == sorted(s[0] for s in place.starts)


def test_bad_windows_and_overlaps_are_refused():
    with pytest.raises(UsageError, match="multiples of 16"):
        place_windows((64, 64, 64), window=(60, 64, 64))
    with pytest.raises(UsageError, match="overlap"):
        place_windows((64, 64, 64), window=(64, 64, 64), overlap=1.0)
    with pytest.raises(UsageError, match="mask"):
        place_windows((64, 64, 64), np.ones((4, 4, 4), bool), window=(64, 64, 64))


@pytest.mark.parametrize("offset", [0.0, 30.0])
def test_channels_last_norm_is_exact_in_float32(offset):
    torch.manual_seed(0)
    norm = torch.nn.InstanceNorm3d(6, affine=True)
    torch.nn.init.normal_(norm.weight)
    torch.nn.init.normal_(norm.bias)
    x = (torch.randn(2, 6, 40, 41, 42) + offset).to(memory_format=torch.channels_last_3d)
    with torch.inference_mode():
        exact = norm.double()(x.double())
        found = ChannelsLastInstanceNorm(norm.float())(x)
    assert found.is_contiguous(memory_format=torch.channels_last_3d)
    assert (found - exact).abs().max() < 1e-5 * (1 + offset)
