"""Static int8 of an exported network: convolutions with 8-bit weights and inputs, calibrated on windows of cases."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import TransferSegError
from ..storage import scratch_folder
from .graph import INPUT, quietly
from .needed import needed

# Norms, sums and resizing cost little and lose much: they stay in float32, as does the layer that gives the logits.
_OPERATORS = ["Conv", "ConvTranspose"]


def quantised(graph: bytes, windows: Iterable[np.ndarray], what: str) -> bytes:
    """The graph in int8 (QDQ, a scale for each output channel), calibrated on ``windows`` taken one at a time.

    The ranges are the least and largest values seen; only they are kept, so that memory is that of one window.

    Raises
    ------
    DependencyError
        ``onnx`` or ``onnxruntime`` is missing.
    TransferSegError
        ONNX Runtime cannot quantise this network, in its own words.
    """
    needed("onnx", "onnxruntime")
    import onnx
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

    class Reader(CalibrationDataReader):
        """One window after the other."""

        def __init__(self) -> None:
            self._rest = iter(windows)

        def get_next(self) -> dict[str, np.ndarray] | None:
            window = next(self._rest, None)
            return None if window is None else {INPUT: np.ascontiguousarray(window, np.float32)}

    model = onnx.load_model_from_string(graph)
    with scratch_folder("int8") as folder:
        target = Path(folder) / "int8.onnx"
        try:
            with quietly():
                quantize_static(
                    model,
                    str(target),
                    Reader(),
                    quant_format=QuantFormat.QDQ,
                    per_channel=True,
                    activation_type=QuantType.QUInt8,
                    weight_type=QuantType.QInt8,
                    op_types_to_quantize=_OPERATORS,
                    nodes_to_exclude=_last(model),
                )
        except TransferSegError:
            raise
        except Exception as error:
            text = " ".join(str(error).split())[:300]
            raise TransferSegError(
                f"{what}: ONNX Runtime cannot make it int8 ({text}); export it without --int8"
            ) from error
        return target.read_bytes()


def _last(model: Any) -> list[str]:
    """The names of the convolutions whose output is the network's."""
    outputs = {value.name for value in model.graph.output}
    return [node.name for node in model.graph.node if node.op_type in _OPERATORS and outputs & set(node.output)]
