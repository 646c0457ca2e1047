"""tmtv for the cases of a data set: a report each, one table for all."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..cases import Case, open_data_set
from ..errors import Cancelled, InputError, TransferSegError, UsageError
from ..events import Events, quiet
from ..imaging import told_by_file
from ..packages import Package
from .tmtv import tmtv
from .tmtv_options import TmtvOptions
from .tmtv_outputs import EARLIER, TABLE, check_folder, file_stem, set_aside, write_table

if TYPE_CHECKING:
    from .predict import Model


def tmtv_set(
    *,
    data: str | Path,
    out: str | Path,
    model: str | Path | Package | Model | None = None,
    cases: Sequence[str] | None = None,
    truth_name: str | None = None,
    options: TmtvOptions | None = None,
    events: Events | None = None,
) -> dict[str, Any]:
    """Write the report of every case of a data set, and the table.

    Parameters
    ----------
    data : path
        A data set with a PET in every case; CT and truth are taken where they are.
    cases : sequence of str, optional
        Only the cases with these ids.
    truth_name : str, optional
        Which file of a case is the truth, where several could be.

    Returns
    -------
    dict
        ``cases`` (each as `tmtv` returns it), ``failed`` (``id, message``: nothing is written of them, and a report
        of an earlier run goes to the folder ``earlier``), ``table``.

    Raises
    ------
    InputError
        No case at all, or none that could be read.
    """
    started, events = time.monotonic(), quiet(events)
    options = (options or TmtvOptions()).check(segmented=model is not None)
    if options.by_hand:
        raise UsageError("--data: numbers entered by hand are one patient's; give that patient with --pet")
    if options.moves:
        raise UsageError("--move: is about one patient; give that patient with --pet")
    folder = Path(out)
    chosen = _cases(data, cases, truth_name)
    check_folder(folder, [path for case in chosen for path in case.images.values()])
    if model is not None:
        from .tmtv_segmenting import open_tmtv_model

        model = open_tmtv_model(model)
    done, failed = _all(chosen, folder, model, options, events)
    if not done and len(chosen) == 1:
        raise InputError(f"{failed[0]['id']}: {failed[0]['message']}")
    if not done:
        raise InputError(f"{data}: none of its {len(chosen)} cases could be used; {failed[0]['message']}")
    _set_aside(chosen, failed, folder, events)
    return {
        "cases": done,
        "failed": failed,
        "table": write_table(folder, options.language)["table"],
        "report": str(folder / TABLE),
        "seconds": round(time.monotonic() - started, 2),
    }


def _all(
    cases: Sequence[Case], folder: Path, model: Model | None, options: TmtvOptions, events: Events
) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    """The reports, and what failed; a case that cannot be used does not stop the others."""
    done: list[dict[str, Any]] = []
    failed: list[dict[str, str]] = []
    try:
        for number, case in enumerate(cases):
            events.progress("tmtv", number, len(cases))
            try:
                done.append(_one(case, folder, model, options, events))
            except Cancelled:
                raise
            except TransferSegError as error:
                told = (
                    told_by_file(error, case.images["pet"]).message if isinstance(error, InputError) else error.message
                )
                failed.append({"id": case.id, "message": told})
                if len(cases) > 1:
                    events.say(f"{case.id}: left out: {told}")
        events.progress("tmtv", len(cases), len(cases))
    except Cancelled:
        if done:
            _set_aside(cases, failed, folder, events)
            write_table(folder, options.language)
        raise
    return done, failed


def _set_aside(cases: Sequence[Case], failed: Sequence[dict[str, str]], folder: Path, events: Events) -> None:
    """The older reports of what failed now: a table that still had them would pass for this run's."""
    for name in (one["id"] for one in failed):
        case = next(case for case in cases if case.id == name)
        if set_aside(folder, name, str(Path(case.images["pet"]).resolve())):
            events.say(f"{name}: its report of an earlier run was moved to {folder / EARLIER}")


def _one(case: Case, folder: Path, model: Model | None, options: TmtvOptions, events: Events) -> dict[str, Any]:
    return tmtv(
        pet=case.images["pet"],
        ct=case.images.get("ct"),
        truth=case.truth,
        model=model,
        id=case.id,
        out=folder,
        options=options,
        table=False,
        events=events.part(case.id),
    )


def _cases(data: str | Path, wanted: Sequence[str] | None, truth_name: str | None) -> list[Case]:
    """The cases, with their truths where they have one."""
    found = open_data_set(data, roles=None, truth_name=truth_name, need_truth=None, reference_role="pet").cases
    for case in found:
        if "pet" not in case.images:
            raise InputError(f"{data}: case {case.id} has no PET; name its file so that it says so, or leave it out")
    unknown = [name for name in wanted or () if name not in {case.id for case in found}]
    if unknown:
        raise UsageError(f"--case {unknown[0]}: no such case; there are {', '.join(case.id for case in found)}")
    chosen = [case for case in found if not wanted or case.id in wanted]
    stems = [file_stem(case.id) for case in chosen]
    twice = next((stem for stem in stems if stems.count(stem) > 1), None)
    if twice is not None:
        raise InputError(f"{data}: two cases would both be written as {twice}; rename one")
    return chosen
