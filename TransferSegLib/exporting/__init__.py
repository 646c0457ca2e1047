"""Networks outside PyTorch: ONNX files with the model's card inside, checked when made, what runs them; size cards."""

from __future__ import annotations

from .exported import Exported, read_exported, write_exported
from .forms import form_of
from .graph import held_against, onnx_bytes
from .needed import needed
from .quantising import quantised
from .running import network_in_runtime
from .runtimes import CHOICES, choose_runtime, runs_of

__all__ = [
    "CHOICES",
    "Exported",
    "choose_runtime",
    "form_of",
    "held_against",
    "needed",
    "network_in_runtime",
    "onnx_bytes",
    "quantised",
    "read_exported",
    "runs_of",
    "write_exported",
]
