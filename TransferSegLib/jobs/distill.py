"""distill: teach a light network what a model knows, on a data set, and say what it costs in Dice."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..cases import Case, DataSet, open_data_set
from ..errors import UsageError
from ..events import Events, quiet
from ..inference import choose_device
from ..networks import state_to_save
from ..packages import Package, find_package
from ..storage import check_folder_is_free
from ..strategies import Strategy, strategy
from ..training import Distillation, Run, Teaching, TrainingPlan
from .adapt import Gathered, adapt, freeze, gather
from .distill_lessons import lesson_cache
from .distill_report import distilled_card, distilled_result, first_notes, write_distillation_report
from .distill_target import (
    Student,
    check_teacher,
    checked_weights,
    known_student,
    student_of,
    taught_plan,
)
from .evaluate import say_left_out
from .finetune import WITHOUT_TRUTH
from .finetune_plan import TrainingOptions, check_options, make_plan, make_request, split_cases
from .finetune_scores import score_adapted, score_source
from .finetune_unlabelled import open_unlabelled
from .finishing import begun_run, finished_run
from .labels import label_names_of

# All of a student learns.
STRATEGY = "scratch"


@dataclass(frozen=True)
class DistillJob:
    """All that is decided before anything is learned."""

    package: Package
    student: Student
    how: Distillation
    chosen: Strategy
    data_set: DataSet
    training: tuple[Case, ...]
    held_out: tuple[Case, ...]
    unlabelled: tuple[Case, ...]
    plan: TrainingPlan
    request: dict[str, Any]


def distill(
    *,
    teacher: str | Path | Package,
    student: str,
    data: str | Path,
    out: str | Path,
    how: Distillation | None = None,
    hold_out_ids: Sequence[str] | None = None,
    cases: int | None = None,
    label_map: Mapping[str, str] | None = None,
    truth_name: str | None = None,
    run_folder: str | Path | None = None,
    listed: bool = True,
    options: TrainingOptions | None = None,
    events: Events | None = None,
) -> dict[str, Any]:
    """Train a student by the truths and by what its teacher says of the same windows.

    The loss is the segmentation's, on cases with a truth, plus ``how.prediction`` times the divergence of prediction
    maps plus ``how.importance`` times the distance of importance maps (methods.md, section 3), on all cases.

    Parameters
    ----------
    teacher : name, folder, zip or Package
        A segmentation model of any family; several networks that answer together teach by their probability alone.
    student : str
        A network (``unet2d-32-64-128``), or a model of the same preparation and labels that is taught further. Its
        dimension may be another: a 3-D teacher teaches a 2-D student on the slices of a window.
    data : path
        Data set with truths; ``options.unlabelled`` names one without, which takes part too.
    out : path
        Folder of the student's package; must not exist yet.
    hold_out_ids, cases, label_map, truth_name
        As in `finetune`.

    Returns
    -------
    dict
        ``package, teacher, student`` (the network), ``before`` (the teacher on the held-out cases), ``after`` (the
        student on them), ``verdict`` (the student held against its teacher), ``message, sizes {student, teacher,
        percent} (parameters), distillation`` (weights, pairs of blocks, windows the teacher was asked for and had
        seen), ``notes, steps, held_out, trained_on, unlabelled, matched, run, report, seconds, stopped``.

    Raises
    ------
    UsageError
        A teacher whose classes, channels, spacing or task do not fit the data or the student.
    """
    events, options, started, out = quiet(events), options or TrainingOptions(), time.monotonic(), Path(out)
    check_options(replace(options, unlabelled=None), None)
    (how or Distillation()).check()
    _refuse_others(options)
    check_folder_is_free(out)
    job = _job(teacher, student, data, out, how, hold_out_ids, cases, label_map, truth_name, options, events)
    folder = run_folder or f"{out}.run"
    Run.refuse_another(folder, job.request)
    target = job.student.target
    freezing = freeze(target, job.chosen, options.grouping)
    gathered = _gather(job, options, events)
    for note in first_notes(job):
        events.say(note)
    scoring = time.monotonic()
    before = score_source(job.package, target, job.held_out, options, events)
    scoring = time.monotonic() - scoring
    run = begun_run(folder, job.request, events)
    teachings: list[Teaching] = []

    def teaching(*, device: str, precision: str) -> Teaching:
        card, teacher = target.model.card, job.student.teacher
        # The teacher runs as suits its own layers, not the student's.
        own = choose_device(device, precision=options.precision, network=teacher.module)
        where = {"device": device, "precision": own.precision}
        cache = lesson_cache(job.package.card, job.student, job.how, job.plan, **where)
        teachings.append(Teaching(job.how, teacher, card.network, card.dims, cache=cache, **where))
        return teachings[0]

    after_words = {"options": options, "run": run, "events": events, "afterwards": scoring, "teaching": teaching}
    adapted = adapt(target, gathered, freezing, job.plan, **after_words)
    after = score_adapted(adapted.model, job.held_out, options, "scoring the held-out cases with the student", events)
    result = distilled_result(before, after, adapted, job, gathered, teachings[0])
    card = distilled_card(adapted.model.card, job, result, run.id)
    result["report"] = str(write_distillation_report(run, card, result, adapted, job, options, events))
    state = state_to_save(card.network, adapted.model.module)
    return finished_run(run, out, card, state, result, started=started, listed=listed)


def _job(
    teacher: str | Path | Package,
    student: str,
    data: str | Path,
    out: Path,
    how: Distillation | None,
    hold_out_ids: Sequence[str] | None,
    cases: int | None,
    label_map: Mapping[str, str] | None,
    truth_name: str | None,
    options: TrainingOptions,
    events: Events,
) -> DistillJob:
    """Read and check everything; nothing is written."""
    import torch

    device = choose_device(options.device, precision=options.precision)
    package = teacher if isinstance(teacher, Package) else find_package(teacher, "TEACHER")
    check_teacher(package)
    source = known_student(student)
    card = package.card
    data_set = open_data_set(
        data, roles=card.roles, truth_name=truth_name, reference_role=card.reference, without_truth=WITHOUT_TRUTH
    )
    say_left_out(data_set, events)
    training, held_out = split_cases(data_set, hold_out_ids, cases, options.seed)
    torch.manual_seed(options.seed)
    taught = student_of(out.name, package, source or student, label_names_of(data_set, events), label_map, events)
    how = checked_weights(how or Distillation(), taught.teacher, card.name, events)
    ours = taught.target.model.card
    plan = make_plan(taught.target, replace(options, patch=None), on_gpu=device.is_gpu, training=training)
    plan = taught_plan(plan, ours, card, options.patch)
    apart = {"data_set": data_set, "held_out": held_out, "training": training, "truth_name": truth_name}
    unlabelled = open_unlabelled(options.unlabelled, card, **apart, events=events)
    chosen = strategy(STRATEGY)
    request = make_request(
        taught.source, data_set, training, held_out, chosen, plan, options, taught.target, events, None, unlabelled
    )
    request |= {
        "verb": "distill",
        "teacher": {"name": card.name, "sha256": card.weights_sha256},
        "student": ours.network,
        "distillation": how.to_json(),
    }
    return DistillJob(package, taught, how, chosen, data_set, training, held_out, unlabelled, plan, request)


def _refuse_others(options: TrainingOptions) -> None:
    """Options of `finetune` that mean nothing here (``UsageError``)."""
    for name in ("curriculum", "difficulty", "feature_bank", "stage1", "network"):
        if getattr(options, name):
            raise UsageError(f"--{name.replace('_', '-')}: has no meaning for a distillation; leave it out")


def _gather(job: DistillJob, options: TrainingOptions, events: Events) -> Gathered:
    return gather(
        job.student.target,
        job.training,
        [case for case in job.data_set.cases if case not in job.training],
        job.plan,
        digests=job.request["training"],
        options=options.preparation,
        events=events,
        unlabelled=job.unlabelled,
        unlabelled_digests=job.request["unlabelled"]["cases"] if job.unlabelled else None,
    )
