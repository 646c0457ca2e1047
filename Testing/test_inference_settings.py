"""Devices, precision, flips, uncertainty, progress, cancelling and stepping down when memory runs out."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from monai.networks.nets import DynUNet, SegResNet, UNet

from TransferSegLib.errors import Cancelled, DeviceError, TransferSegError, UsageError
from TransferSegLib.events import Events
from TransferSegLib.inference import Device, OutputRule, choose_device, fit_network, segment_array
from TransferSegLib.inference.devices import cpu_has_bfloat16
from TransferSegLib.inference.stepping import is_out_of_memory, settings_for

WINDOW = (32, 32, 32)
TWO = OutputRule("softmax", (1, 2), (1, 2))


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def volume(shape=(40, 32, 48), channels: int = 2) -> np.ndarray:
    return np.random.default_rng(3).normal(size=(channels, *shape)).astype(np.float32)


def network(x: torch.Tensor) -> torch.Tensor:
    """A network without a mirror symmetry along i: its logits depend on the neighbour before."""
    shifted = torch.roll(x, 1, dims=4)
    return torch.stack([0 * x[:, 0], x[:, 0] + shifted[:, 0], x[:, 1]], dim=1)


def run(net=network, array=None, **options):
    array = volume() if array is None else array
    return segment_array(net, array, outputs=options.pop("outputs", TWO), window=WINDOW, device="cpu", **options)


def test_no_gpu_here_is_said():
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    with pytest.raises(DeviceError, match="no GPU"):
        choose_device("cuda")
    with pytest.raises(DeviceError, match="cuda:7"):
        choose_device("cuda:7")
    assert choose_device("auto").name == "cpu" and "no GPU" in choose_device("auto").reason


def test_unknown_names_are_refused():
    with pytest.raises(UsageError, match="tpu"):
        choose_device("tpu")
    with pytest.raises(UsageError, match="float64"):
        choose_device("cpu", precision="float64")
    with pytest.raises(UsageError, match="float16 needs a GPU"):
        choose_device("cpu", precision="float16")


def test_bfloat16_only_where_cpu_and_network_gain(monkeypatch):
    wide = DynUNet(3, 4, 5, [3] * 3, [1, 2, 2], [2] * 2)
    narrow = UNet(3, 4, 5, channels=(4, 8, 16), strides=(2, 2))
    monkeypatch.setattr("TransferSegLib.inference.devices.cpu_has_bfloat16", lambda: True)
    assert choose_device("cpu", network=wide).precision == "bfloat16"
    assert choose_device("cpu", network=narrow).precision == "float32"
    grouped = choose_device("cpu", network=torch.nn.Sequential(torch.nn.Conv3d(32, 32, 3, groups=16)))
    assert grouped.precision == "float32" and "grouped" in grouped.reason
    assert choose_device("cpu", precision="float32", network=wide).precision == "float32"
    monkeypatch.setattr("TransferSegLib.inference.devices.cpu_has_bfloat16", lambda: False)
    assert choose_device("cpu", network=wide).precision == "float32"
    assert isinstance(cpu_has_bfloat16(), bool)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize(
    "make",
    [
        lambda: DynUNet(3, 2, 3, [3] * 3, [1, 2, 2], [2] * 2, filters=[16, 24, 32]),
        lambda: UNet(3, 2, 3, channels=(4, 8, 16), strides=(2, 2), num_res_units=1),
        lambda: SegResNet(3, init_filters=8, in_channels=2, out_channels=3),
    ],
)
def test_fitted_networks_agree_and_leave_the_original_alone(make, precision):
    torch.manual_seed(0)
    original = make().train()
    before = {name: tensor.clone() for name, tensor in original.state_dict().items()}
    kinds = [type(module) for module in original.modules()]
    x = torch.randn(1, 2, 32, 32, 32)
    with torch.inference_mode():
        found = fit_network(original, Device("cpu", precision, ""))(x).float()
        assert original.training and [type(module) for module in original.modules()] == kinds
        expected = original.eval()(x)
    tolerance = 1e-4 if precision == "float32" else 0.1
    assert (found - expected).abs().mean() < tolerance * expected.abs().mean()
    assert all(torch.equal(tensor, before[name]) for name, tensor in original.state_dict().items())
    assert all(tensor.dtype == torch.float32 for tensor in original.state_dict().values() if tensor.is_floating_point())


def test_flips_average_probabilities_over_mirrored_passes():
    array = volume(WINDOW)
    found = run(array=array, flips=True)
    x = torch.from_numpy(array)[None]
    total = 0
    for dims in [(), (2,), (3,), (4,), (2, 3), (2, 4), (3, 4), (2, 3, 4)]:
        total = total + network(x.flip(dims)).softmax(1).flip(dims)
    mean = (total / 8)[0].numpy()
    assert (found.labels != mean.argmax(0)).mean() < 1e-4
    entropy = -(mean * np.log(mean)).sum(0) / np.log(3)
    assert found.entropy.dtype == np.float32
    np.testing.assert_allclose(found.entropy, entropy, atol=1e-5)
    assert (run(array=array).labels != found.labels).any(), "the network must not be symmetric for this to test flips"


def test_entropy_is_nought_where_certain_and_one_where_not():
    array = np.zeros((1, 40, 32, 48), np.float32)
    array[:, :, :, :10], array[:, :, :, 30:] = 50, -50
    rule = OutputRule("sigmoid", (0,), (1,))
    found = run(lambda x: x, array, outputs=rule, uncertainty=True)
    assert np.allclose(found.entropy[..., 15:25], 1, atol=1e-5) and np.allclose(found.entropy[..., :10], 0, atol=1e-5)
    assert (found.labels[..., :10] == 1).all() and (found.labels[..., 10:] == 0).all()
    assert run(lambda x: x, array, outputs=rule).entropy is None


def test_sigmoid_probabilities_cut_at_one_half():
    array = volume(channels=1)
    rule = OutputRule("sigmoid", (0,), (4,))
    found = run(lambda x: x, array, outputs=rule, uncertainty=True)
    assert (found.labels != np.where(array[0] > 0, 4, 0)).mean() < 1e-4


def test_progress_counts_windows_and_cancel_stops_after_one():
    seen = []
    run(events=Events(seen.append))
    steps = [(e["done"], e["total"]) for e in seen if e["event"] == "progress"]
    assert steps == [(0, 4), (1, 4), (2, 4), (3, 4), (4, 4)]
    calls, events = [], Events()

    def slow(x):
        calls.append(1)
        events.cancel()
        return network(x)

    with pytest.raises(Cancelled):
        run(slow, events=events)
    assert len(calls) == 1


def test_memory_running_out_steps_down_and_says_so():
    sizes, said = [], []

    def hungry(x):
        sizes.append(len(x))
        if len(x) > 1:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")
        return network(x)

    found = run(hungry, batch=4, events=Events(lambda e: said.append(e.get("text"))))
    assert sizes == [4, 2, 1, 1, 1, 1]
    assert [text for text in said if text] == [
        "not enough memory on cpu: batches of 2 instead",
        "not enough memory on cpu: batches of 1 instead",
    ]
    assert np.array_equal(found.labels, run().labels)


def test_memory_that_never_suffices_is_one_line():
    def starving(x):
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 99 bytes")

    with pytest.raises(TransferSegError, match=r"not enough memory .*smaller"):
        run(starving)


def test_other_errors_are_not_mistaken_for_memory():
    def broken(x):
        raise RuntimeError("shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="multiplied"):
        run(broken)
    assert not is_out_of_memory(RuntimeError("anything else")) and is_out_of_memory(MemoryError())


def test_the_steps_of_a_gpu_come_in_order():
    steps = list(settings_for(Device("cuda:0", "float32", ""), network, 2))
    assert [(s.device.name, s.device.precision, s.batch, s.stitch_on) for s in steps] == [
        ("cuda:0", "float32", 2, "cuda:0"),
        ("cuda:0", "float32", 1, "cuda:0"),
        ("cuda:0", "float16", 1, "cuda:0"),
        ("cuda:0", "float16", 1, "cpu"),
        ("cpu", "float32", 1, "cpu"),
    ]
    assert not steps[0].note and all(step.note for step in steps[1:])


@pytest.mark.parametrize(
    "options",
    [
        {"kind": "argmax", "channels": (1,), "values": (1,)},
        {"kind": "softmax", "channels": (0, 1), "values": (1, 2)},
        {"kind": "softmax", "channels": (1, 2), "values": (1,)},
        {"kind": "sigmoid", "channels": (1, 1), "values": (1, 2)},
        {"kind": "sigmoid", "channels": (1,), "values": (256,)},
    ],
)
def test_rules_that_mean_nothing_are_refused(options):
    with pytest.raises(UsageError):
        OutputRule(**options)


def test_a_channel_that_the_network_lacks_is_refused():
    with pytest.raises(UsageError, match="3 channels"):
        run(outputs=OutputRule("softmax", (1, 5), (1, 2)))
    with pytest.raises(UsageError, match="flips"):
        run(flips=(3,))
    with pytest.raises(UsageError, match="array"):
        segment_array(network, np.zeros((3, 3, 3), np.float32), outputs=TWO)


@pytest.mark.parametrize(("given", "kept"), [(None, "1"), ("0", "0")])
def test_large_pages_are_asked_for_unless_the_user_said_otherwise(given, kept):
    environment = {k: v for k, v in os.environ.items() if k != "THP_MEM_ALLOC_ENABLE"}
    environment |= {"THP_MEM_ALLOC_ENABLE": given} if given else {}
    code = "import os, TransferSegLib.inference; print(os.environ['THP_MEM_ALLOC_ENABLE'])"
    root = Path(__file__).resolve().parent.parent
    out = subprocess.run([sys.executable, "-c", code], env=environment, cwd=root, capture_output=True, text=True)
    assert out.stdout.strip() == kept, out.stderr
