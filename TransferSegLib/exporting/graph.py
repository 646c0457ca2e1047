"""From a module to an ONNX graph by torch.export, held against PyTorch before anything is written."""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import TYPE_CHECKING

from ..errors import PackageError, TransferSegError
from ..events import Events
from .checking import NOTHING, Agreement
from .forms import Form
from .needed import needed
from .runtimes import TITLES, runs_of

if TYPE_CHECKING:
    from torch import nn

    from ..packages import Card

INPUT, OUTPUT = "image", "output"


def onnx_bytes(card: Card, module: nn.Module, form: Form) -> tuple[bytes, int]:
    """The ONNX file of a module without metadata, and its version of the operators (opset).

    Raises
    ------
    DependencyError
        ``onnx`` or ``onnxscript`` is missing.
    TransferSegError
        torch.export does not understand the module, or ONNX has no operator for a part of it.
    """
    needed("onnx", "onnxscript")
    import torch
    from torch.export import Dim

    graph = form.graph(card, module).eval()
    shape, open_axes = form.shapes(card, module)
    dims = {
        axis: Dim(f"axis{axis}", min=-(-least // multiple)) * multiple
        if multiple > 1
        else Dim(f"axis{axis}", min=least)
        for axis, (least, multiple) in open_axes.items()
    }
    example = torch.zeros(shape)
    try:
        with quietly(), torch.no_grad():
            program = torch.onnx.export(
                graph,
                (example,),
                dynamo=True,
                dynamic_shapes=(dims,),
                input_names=[INPUT],
                output_names=[OUTPUT],
                verbose=False,
            )
    except torch.onnx.OnnxExporterError as error:
        raise TransferSegError(f"{card.name}: cannot be exported ({_reason(error)}); use the package") from error
    model = program.model_proto
    for node in (*model.graph.node, *(node for function in model.functions for node in function.node)):
        del node.metadata_props[:]  # the places of the code on this computer
        node.doc_string = ""
    version = next(entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx"))
    return model.SerializeToString(deterministic=True), int(version)


def held_against(card: Card, module: nn.Module, form: Form, content: bytes, events: Events) -> tuple[Agreement, int]:
    """How an exported file and PyTorch in float32 agree on seeded windows, and on how many; all on the CPU.

    Every runtime that is installed is held against it, since any of them may run the file; the worst agreement comes
    back. That OpenVINO does not run a network is said: ONNX Runtime then does.

    Raises
    ------
    PackageError
        Labels (or rows of a level) differ beyond what rounding does.
    TransferSegError
        ONNX Runtime does not run it.
    """
    import torch

    runs = runs_of(content, card.name, events)
    graph = form.graph(card, module).eval()
    found, count = dict.fromkeys(runs, NOTHING), 0
    windows = list(form.windows(card))
    for number, window in enumerate(windows):
        events.progress("checking the exported network", number, len(windows))
        with torch.inference_mode():
            ours = graph(torch.from_numpy(window))
        ours = ours[0] if isinstance(ours, (list, tuple)) else ours
        for name, run in runs.items():
            found[name] += form.compare(card, ours.numpy(), run(window))
        count += len(window)
    events.progress("checking the exported network", len(windows), len(windows))
    name, worst = max(found.items(), key=lambda item: (item[1].wrong, item[1].largest))
    if worst.wrong:
        what = "labels" if card.task == "segmentation" else "rows"
        raise PackageError(
            f"{card.name}: the exported network gives other {what} than PyTorch in {worst.wrong} of {worst.count} "
            f"places of {count} windows (in {TITLES[name]}, largest difference {worst.largest:.3g}); nothing was "
            "written, use the package"
        )
    return worst, count


@contextmanager
def quietly() -> Iterator[None]:
    """What exporters print, warn and log on the way is for their developers."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def _reason(error: BaseException) -> str:
    """The innermost message of the exporter's error, in one short line."""
    while error.__cause__ is not None:
        error = error.__cause__
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
