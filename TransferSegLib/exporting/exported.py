"""An exported network on disk: one ONNX file with the model's card inside, opened as a package is."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .. import __version__
from ..errors import PackageError, UsageError
from ..packages import Card, Package
from ..storage import writing
from .onnx_file import split_metadata, with_metadata
from .running import RuntimeNetwork, network_in_runtime
from .runtimes import choose_runtime

KEY = "transferseg"
FORMAT = 1


@dataclass(frozen=True)
class Exported(Package):
    """A package whose network lies in an ONNX file: it can be run, and nothing else.

    ``folder`` is the file. ``made`` is what was written beside the card: ``precision`` (``float32`` or ``int8``) and,
    of a regressor that is evaluated densely, ``dense`` (its plan). ``runtime`` as in `choose_runtime`.
    """

    made: dict[str, Any] = field(default_factory=dict)
    runtime: str = "auto"

    @property
    def weights(self) -> Path:
        """The file itself."""
        return self.folder

    def state(self) -> dict[str, Any]:
        """There are no tensors to learn from (``PackageError``)."""
        raise PackageError(f"{self.folder}: is an exported network, which is run only; name the model it was made from")

    def network(self) -> RuntimeNetwork:
        """The network in a runtime, opened from the bytes that were checked."""
        made, graph = _checked(self.folder)
        if made != self.made:
            raise PackageError(f"{self.folder}: was changed while it was opened; try again")
        return network_in_runtime(self.card, graph, made, choose_runtime(self.runtime), str(self.folder))


def write_exported(path: Path | str, card: Card, graph: bytes, made: dict[str, Any]) -> Path:
    """Write an ONNX file with the card inside, and no other metadata, whole or not at all."""
    graph = split_metadata(graph)[0]
    content = {"format": FORMAT, "version": __version__, **made, "card": card.to_json()}
    text = json.dumps(content | {"sha256": _digest(graph, content)}, ensure_ascii=False)
    with writing(path) as temporary:
        temporary.write_bytes(with_metadata(graph, KEY, text))
    return Path(path)


def read_exported(path: Path | str, *, runtime: str = "auto", option: str = "--model") -> Exported:
    """Open an exported network's file, which the user gave as ``option``, and check its card and hash.

    Raises
    ------
    UsageError
        No such file, or an unknown runtime.
    PackageError
        No ONNX file, one without our card, or one that was changed since it was exported.
    """
    path = Path(path)
    choose_runtime(runtime)
    made = _checked(path, option)[0]
    card = Card.from_json(made.get("card"), where=str(path))
    return Exported(path, card, made, runtime)


def _checked(path: Path, option: str = "--model") -> tuple[dict[str, Any], bytes]:
    """What was written beside the graph, and the graph, held against the hash."""
    try:
        graph, metadata = split_metadata(path.read_bytes())
    except FileNotFoundError:
        raise UsageError(f"{option} {path}: no such file; name a model, its folder or zip, or its .onnx") from None
    except IsADirectoryError:
        raise UsageError(f"{option} {path}: is a folder; name the .onnx file") from None
    except ValueError:  # a text that is no UTF-8 is one too
        raise PackageError(f"{path}: is no ONNX file, or a damaged one; export the model again") from None
    if KEY not in metadata:
        raise PackageError(
            f"{path}: has no TransferSeg card, so that what it takes and gives is not known; export a model with "
            "`transferseg models export NAME --out FILE.onnx`"
        )
    try:
        made = json.loads(metadata[KEY])
        told = made.pop("sha256")
        known = made["format"] == FORMAT and made["precision"] in ("float32", "int8")
    except (ValueError, KeyError, TypeError, AttributeError):
        raise PackageError(f"{path}: its card is damaged; export the model again") from None
    if not known:
        raise PackageError(f"{path}: was exported by another version of TransferSeg; export the model again")
    if _digest(graph, made) != told:
        raise PackageError(f"{path}: does not match the hash in it: changed or damaged; export the model again")
    return made, graph


def _digest(graph: bytes, content: dict[str, Any]) -> str:
    """SHA-256 of the graph and of what was written beside it."""
    digest = hashlib.sha256(graph)
    digest.update(json.dumps(content, sort_keys=True).encode())
    return digest.hexdigest()
