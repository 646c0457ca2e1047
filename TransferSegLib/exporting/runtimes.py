"""What runs an exported network on the CPU: ONNX Runtime or OpenVINO, with as many threads as PyTorch has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import DependencyError, TransferSegError, UsageError
from ..events import Events
from .needed import installed, needed

Run = Callable[[np.ndarray], np.ndarray]
TITLES = {"onnxruntime": "ONNX Runtime", "openvino": "OpenVINO"}
CHOICES = ("auto", *TITLES)
# By benchmarks/runtimes.py (CPU time of a 2-D slice, float32 and int8): where both are there, the first is taken.
_FASTER = ("openvino", "onnxruntime")
_MEMORY = ("bad allocation", "failed to allocate", "not enough memory", "out of memory", "can't allocate")


def choose_runtime(name: str) -> str:
    """The runtime's name; for ``auto`` the faster of those that are installed.

    Raises
    ------
    UsageError, DependencyError
        An unknown name; no runtime is there, or not the one asked for (when it is opened).
    """
    if name not in CHOICES:
        raise UsageError(f"--runtime {name}: choose one of {', '.join(CHOICES)}")
    if name != "auto":
        return name
    found = [runtime for runtime in _FASTER if installed(runtime)]
    if not found:
        raise DependencyError(
            "an exported network needs ONNX Runtime or OpenVINO; install one with pip install 'transferseg[onnx]' or "
            "'transferseg[openvino]'"
        )
    return found[0]


def open_runtime(name: str, content: bytes, what: str) -> Run:
    """A function from a float32 array to the network's output; ``what`` names the network in errors."""
    return {"onnxruntime": onnxruntime_run, "openvino": openvino_run}[name](content, what)


def runs_of(content: bytes, what: str, events: Events) -> dict[str, Run]:
    """The network in each runtime that is installed, by name; ONNX Runtime must run it, of another it is said."""
    runs = {}
    for name in TITLES:
        if name != "onnxruntime" and not installed(name):
            continue
        try:
            runs[name] = open_runtime(name, content, what)
        except TransferSegError as error:
            if name == "onnxruntime":
                raise
            events.say(error.message)
    return runs


def onnxruntime_run(content: bytes, what: str) -> Run:
    """The network in ONNX Runtime.

    Raises
    ------
    DependencyError
        It is not installed.
    TransferSegError
        It does not know an operator of the file, in its own words.
    """
    runtime = needed("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = _threads()
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # Its threads otherwise go on spinning after a window, beside PyTorch's own.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = _opened(
        "onnxruntime", what, lambda: runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    )
    name = session.get_inputs()[0].name
    return lambda array: _told("onnxruntime", what, lambda: session.run(None, {name: np.ascontiguousarray(array)})[0])


def openvino_run(content: bytes, what: str) -> Run:
    """The network in OpenVINO, in float32 (its own choice would be bfloat16 where the CPU has it); errors as above."""
    openvino = needed("openvino")
    settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": _threads()}

    def compiled() -> Any:
        core = openvino.Core()
        return core.compile_model(core.read_model(content), "CPU", settings)

    request = _opened("openvino", what, compiled).create_infer_request()

    def run(array: np.ndarray) -> np.ndarray:
        found = _told("openvino", what, lambda: request.infer([np.ascontiguousarray(array)]))
        return np.array(found[0])  # its memory is the request's own

    return run


def _threads() -> int:
    import torch

    return torch.get_num_threads()


def _opened(name: str, what: str, make: Callable[[], Any]) -> Any:
    try:
        return make()
    except Exception as error:
        raise TransferSegError(
            f"{what}: {TITLES[name]} does not run it ({_line(error)}); take another --runtime, or a newer version"
        ) from error


def _told(name: str, what: str, call: Callable[[], Any]) -> Any:
    try:
        return call()
    except Exception as error:
        text = _line(error)
        if any(sign in text.lower() for sign in _MEMORY):
            raise MemoryError(text) from error
        raise TransferSegError(f"{what}: {TITLES[name]} failed ({text}); take another --runtime") from error


def _line(error: BaseException) -> str:
    """A runtime's message in one line; of OpenVINO's long ones what they sum up at their end."""
    text = " ".join(str(error).partition("To facilitate the conversion")[0].rpartition("Summary:")[2].split())
    return text[:300] or type(error).__name__
