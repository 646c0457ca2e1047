"""The pictures of a TMTV report, as PNG bytes."""

from __future__ import annotations

import numpy as np

from ..imaging import Grid
from ..lesions import LesionErrors, label_map
from ..reporting.tmtv_mip import errors_figure, mip_figure, png
from ..reporting.tmtv_projecting import project
from ..reporting.tmtv_sections import ERRORS, MIP
from ..reporting.tmtv_words import Words
from .tmtv_uptake import Uptake


def draw(
    suv: np.ndarray,
    grid: Grid,
    uptake: Uptake,
    overlap: dict[str, np.ndarray] | None,
    errors: LesionErrors | None,
    words: Words,
) -> dict[str, bytes]:
    """The projections with numbered outlines and, with a truth, those with TP, FN and FP.

    Parameters
    ----------
    overlap : dict, optional
        ``tp``, ``fn`` and ``fp``, bool (k, j, i) on ``grid``.
    """
    lesions = {str(one.number): one for one in uptake.counted}
    apart = {str(one.number): one for one in uptake.apart}
    names = {name: f"{name} {words.organ(one.physiological)}" for name, one in apart.items()}
    views = project(suv, label_map(uptake.lesions, suv.shape), [*lesions, *apart], overlap or {}, grid)
    pictures = {MIP: png(mip_figure(views, {name: name for name in lesions}, names, words))}
    if overlap is not None and errors is not None:
        volumes = {"tp": errors.tp_ml, "fn": errors.fn_ml, "fp": errors.fp_ml}
        pictures[ERRORS] = png(errors_figure(views, volumes, words))
    return pictures
