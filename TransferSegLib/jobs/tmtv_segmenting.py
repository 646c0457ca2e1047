"""The lesions of a PET/CT by a model, on the PET's own grid."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import SimpleITK as sitk

from ..errors import UsageError
from ..events import Events
from ..packages import Card, Package
from ..preparing import PreparationOptions
from .level_dispatch import check_segments
from .opening import find_runnable
from .predict import Model, segment_loaded
from .tmtv_options import TmtvInputs, TmtvOptions

if TYPE_CHECKING:
    from .tmtv_reading import TmtvCase

_WORDS = ("lesion", "lésion", "tumour", "tumor", "lymphoma", "sarcoma")


def open_tmtv_model(model: str | Path | Package | Model) -> Model:
    """The model, open; ``UsageError`` when it does not segment, or not a PET."""
    package = model if isinstance(model, Model) else find_runnable(model)
    check_segments(package.card)
    if "pet" not in package.card.roles:
        roles = ", ".join(package.card.roles)
        raise UsageError(f"--model {package.card.name}: takes {roles}, no PET; name a PET/CT model")
    return package if isinstance(package, Model) else Model.open(package)


def check_tmtv_model(model: Model, inputs: TmtvInputs) -> None:
    """Refuse images that a model lacks, before any work."""
    _lesion_values(model.card)
    others = [role for role in model.card.roles if role not in ("pet", "ct")]
    if others:
        raise UsageError(f"--model {model.card.name}: needs {others[0]} too; name a model of PET and CT")
    if "ct" in model.card.roles and inputs.ct is None:
        raise UsageError(f"--model {model.card.name}: needs the CT; add --ct FILE, or leave out the model")


def segment_tmtv(model: Model, case: TmtvCase, options: TmtvOptions, events: Events) -> tuple[np.ndarray, str]:
    """Lesions, bool (k, j, i) on the PET's grid, and the device that found them."""
    found = segment_loaded(
        model,
        case.loaded,
        options=PreparationOptions(),
        device=options.device,
        precision=options.precision,
        events=events,
    )
    return np.isin(sitk.GetArrayFromImage(found.labels), _lesion_values(model.card)), found.device


def _lesion_values(card: Card) -> list[int]:
    """The values of a card's labels that are lesions: the only one, else those that are called so."""
    values = [label.value for label in card.labels]
    if len(values) > 1:
        values = [label.value for label in card.labels if any(word in label.name.lower() for word in _WORDS)]
    if not values:
        names = ", ".join(label.name for label in card.labels)
        raise UsageError(f"--model {card.name}: none of its labels ({names}) is a lesion; name another model")
    return values
