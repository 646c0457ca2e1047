"""Libraries that only exporting and running an exported network need."""

from __future__ import annotations

import importlib
from typing import Any

from ..errors import DependencyError

EXTRAS = {"onnx": "onnx", "onnxscript": "onnx", "onnxruntime": "onnx", "openvino": "openvino"}


def needed(*names: str) -> Any:
    """The last of these modules, imported; ``DependencyError`` that names the extra where one is missing."""
    module = None
    for name in names:
        try:
            module = importlib.import_module(name)
        except ImportError as error:
            raise DependencyError(
                f"{name} cannot be imported ({error}); install it with pip install 'transferseg[{EXTRAS[name]}]'"
            ) from None
    return module


def installed(name: str) -> bool:
    """Whether a library can be found, without importing it."""
    import importlib.util

    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False
