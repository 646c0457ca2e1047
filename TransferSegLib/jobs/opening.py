"""Opening what ``--model`` names where a network is only run: a package, or the file of an exported network."""

from __future__ import annotations

from pathlib import Path

from ..errors import UsageError
from ..packages import Package, find_package
from ..packages.catalogue import ONNX

RUNTIMES = ("auto", "onnxruntime", "openvino")


def find_runnable(model: str | Path | Package, runtime: str = "auto", *, option: str = "--model") -> Package:
    """A package as it is, or found by name, folder or zip; an ``Exported`` for a file that ends in ``.onnx``.

    ``runtime`` says what runs the latter. PyTorch runs packages: another runtime is refused for them (``UsageError``).
    ``option`` is what the user gave the model as.
    """
    if runtime not in RUNTIMES:
        raise UsageError(f"--runtime {runtime}: choose one of {', '.join(RUNTIMES)}")
    if not isinstance(model, Package) and Path(model).suffix.lower() == ONNX:
        from ..exporting import read_exported

        return read_exported(model, runtime=runtime, option=option)
    package = model if isinstance(model, Package) else find_package(model, option)
    if runtime != "auto" and type(package) is Package:
        raise UsageError(
            f"--runtime {runtime}: {package.card.name} is a package, which PyTorch runs; export it first with "
            f"`transferseg models export {package.card.name} --out FILE.onnx` and name that file"
        )
    return package
