"""Light versions: the chain through the real worker, cancelled and gone on with, refused; names that are taken."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from helpers_cases import addCorrected, folderOf
from helpers_cli import small_data_set
from helpers_light import QUICK, STUDENT, distilled, exported, lightFolder, measured, placeTeacher, pruned
from helpers_logic import placeModel, waitFor


@pytest.fixture(scope="module")
def ready_made() -> None:
    """A worker of its own: OpenVINO, which an export is checked with too, does not survive a fork."""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_data_set(tmp_path_factory.mktemp("cases"), 3)


def test_the_whole_chain(logic: Any, data: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch_pruning")
    pytest.importorskip("onnxruntime")
    model, stages, file = placeTeacher(), set(), tmp_path / "small.onnx"
    how = {"student": STUDENT, "prune": 0.5, "onnx": file, "holdOut": ["p3"], "measure": False}
    result = logic.makeLightVersion(
        model, data, **how, options=QUICK, onEvent=lambda run, event: stages.add(run.stage.partition(":")[0])
    )
    assert {"Step 1 of 3, teaching", "Step 2 of 3, pruning", "Step 3 of 3, exporting"} <= stages
    assert result.models == ["teacher-light", "teacher-light-pruned"] and result.onnx == str(file) and file.is_file()
    teach, prune, export = (result.values[step] for step in ("distil", "prune", "export"))
    before, student, small, onnx = result.columns
    assert (before.score, student.score) == (teach["before"]["mean"]["dice"], teach["after"]["mean"]["dice"])
    assert (before.parameters, student.parameters) == (teach["sizes"]["teacher"], teach["sizes"]["student"])
    assert (small.score, small.parameters) == (prune["curve"][-1]["dice"], prune["curve"][-1]["parameters"])
    assert (before.cases, student.cases, small.cases) == (1, 1, 1) and onnx.score is None, "it was not measured"
    assert onnx.bytes == file.stat().st_size == export["bytes"] and before.seconds is None
    for column in (student, small):
        info = logic.model(column.name)
        assert info.available and column.bytes == info.weightBytes
    assert logic.model(small.name).card.origin["source"] == student.name
    assert Path(result.report).is_file() and Path(result.report).is_relative_to(lightFolder("teacher-light"))
    assert logic.interruptedLightVersions() == [] and logic.running is None
    # Their names are taken now.
    assert list(logic.lightRequest(model, data, **how).names.values()) == ["teacher-light-2", "teacher-light-2-pruned"]
    assert "of that name is there" in logic.whyNotLight(model, data, **how, name="teacher-light")


@pytest.mark.parametrize("where", ["teaching", "pruning"])
def test_cancelled_and_gone_on_with(logic: Any, data: Path, where: str) -> None:
    pytest.importorskip("torch_pruning")
    from TransferSegLib.places import models_folder

    model, ends, name = placeTeacher(), [], f"cut-{where}"
    options = {"distil": {**QUICK["distil"], "epochs": 12}, "prune": {**QUICK["prune"], "last_updates": 40}}
    how = {"student": STUDENT, "prune": 0.5, "holdOut": ["p3"], "measure": False, "name": name, "options": options}
    run = logic.makeLightVersion(model, data, **how, callback=lambda result, error: ends.append(error))
    taught = where == "pruning"
    waitFor(lambda: (where in run.stage and (taught or len(run.metrics) >= 2)) or run.finished, logic)
    assert not run.finished, run.error
    run.cancel()
    waitFor(lambda: run.finished, logic)
    stays = [f"“{name}” is finished and stays."] * taught
    assert ends[0].code == "cancelled"
    assert ends[0].message == " ".join(["Cancelled.", *stays, "The rest can be gone on with."])
    assert logic.running is None and not (models_folder() / f"{name}-pruned").exists()
    assert (models_folder() / name).exists() == taught == any(info.name == name for info in logic.models())
    (found,) = logic.interruptedLightVersions()
    assert list(found.names.values()) == [name, f"{name}-pruned"] and found.model == model
    assert "of that name is there" in logic.whyNotLight(model, data, **how), "its names are kept for it"
    stages: list[str] = []
    result = logic.resumeLightVersion(name, onEvent=lambda run, event: stages.append(run.stage))
    assert result.models == [name, f"{name}-pruned"] and all(logic.model(made).available for made in result.models)
    assert any("teaching" in stage for stage in stages) != taught, "what is finished is not done again"
    assert result.columns[1].score == result.values["distil"]["after"]["mean"]["dice"] and Path(result.report).is_file()
    assert logic.interruptedLightVersions() == []


def test_a_refused_step_ends_the_chain_in_one_line(logic: Any, data: Path) -> None:
    from TransferSegLib.errors import TransferSegError
    from TransferSegLib.places import models_folder

    pytest.importorskip("torch_pruning")
    model, options = placeTeacher(), {"prune": {"steps": 0}}
    with pytest.raises(TransferSegError) as caught:
        logic.makeLightVersion(model, data, prune=0.5, holdOut=["p3"], options=options, measure=False)
    message = caught.value.message
    assert message.startswith("pruning: ") and "1 or more" in message and "\n" not in message
    assert not (models_folder() / "teacher-pruned").exists() and not lightFolder("teacher-pruned").exists()
    with pytest.raises(TransferSegError, match="no case of that name"):
        logic.makeLightVersion(model, data, prune=0.5, holdOut=["p9"], measure=False)
    with pytest.raises(TransferSegError, match="name some of p1, p2, p3 as held out"):
        logic.makeLightVersion(model, data, prune=0.5, measure=False)
    assert logic.interruptedLightVersions() == [] and not lightFolder("teacher-pruned").exists()


def _begin(stepped: Any, data: Path, **how: Any) -> tuple[Any, list]:
    """A run whose jobs the test answers, at its first job; and its end."""
    ends: list = []
    run = stepped.makeLightVersion(placeTeacher(), data, **how, callback=lambda *end: ends.append(end))
    stepped.client.pump()  # looks at the cases
    assert not run.finished, run.error
    return run, ends


def test_every_step_is_asked_for_and_its_numbers_are_the_tables(stepped: Any, data: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch_pruning")
    pytest.importorskip("onnxruntime")
    from TransferSegGUI.light_table import rowsOf

    how = {"student": STUDENT, "prune": 0.25, "onnx": tmp_path / "x.onnx", "int8": True, "holdOut": ["p3"]}
    run, ends = _begin(stepped, data, **how, unlabelled=tmp_path, name="scripted")
    jobs = stepped.client.jobs
    jobs[0].end(result=distilled())
    jobs[1].end(result=pruned())
    jobs[2].end(result=exported(tmp_path / "x.onnx", int8=True))
    for job, seconds in zip((3, 4), (10.0, 0.5)):
        jobs[job].end(result=measured(seconds))
    from TransferSegLib.errors import OutOfMemory

    jobs[5].end("failed", error=OutOfMemory("small: measuring was ended by the system"))
    verbs = [job.verb if job.verb != "models" else job.args["action"] for job in jobs]
    assert verbs == ["distill", "prune", "export", "measure", "measure", "measure"]
    first, second, third = (job.args for job in jobs[:3])
    assert first["hold_out"] == second["hold_out"] == third["hold_out"] == ["p3"], "the same cases judge all"
    assert second["model"] == first["out"] and third["name"] == second["out"] and second["keep"] == 0.25
    assert first["unlabelled"] == str(tmp_path) and third["int8"] and third["data"] == str(data)
    ((result, error),) = ends
    assert error is None and any("measuring was ended" in text for text in run.messages)
    rows = {row[0]: row[1:] for row in rowsOf(result)}
    assert rows["Parameters"] == ["1,000", "1,000", "532", "532"]
    assert rows["Operations"] == ["4.64 GMAC", "4.64 GMAC", "not measured", "not measured"]
    assert rows["Time"] == ["10 s", "0.5 s", "not measured", "not measured"]
    assert rows["Memory"][:2] == ["347 MB", "347 MB"] and rows["File"][3] == "15 kB"
    assert rows["Mean Dice"] == [f"{dice}\n1 case" for dice in ("0.700", "0.650", "0.600", "0.598")]
    assert result.report == "/runs/report.pdf" and "0.5980 instead of 0.6000" in result.messages[-1]
    assert not lightFolder("scripted").exists(), "nothing was begun there"


def test_what_is_finished_stays(stepped: Any, data: Path) -> None:
    pytest.importorskip("torch_pruning")
    from TransferSegLib.errors import InputError

    changed: list[int] = []
    stepped.changed.connect(lambda: changed.append(1))
    for end in ("cancel", "error"):
        run, ends = _begin(stepped, data, student=STUDENT, prune=0.5, holdOut=["p3"], name="kept")
        stepped.client.jobs[-1].end(result=distilled())
        run.cancel() if end == "cancel" else stepped.client.jobs[-1].end("failed", error=InputError("truths: no"))
        ((_, error),) = ends
        said = "Cancelled." if end == "cancel" else "pruning: truths: no"
        assert error.message == f"{said} “kept” is finished and stays."
        assert run.soFar.models == ["kept"] and run.soFar.columns[1].score == 0.65
    assert len(changed) == 2, "the list of models is read again"


def test_cases_of_the_adapt_panel(stepped: Any, scene: Any, tmp_path: Path) -> None:
    cases = stepped.trainingCases(scene.AddNewNodeByClass("vtkMRMLScriptedModuleNode", "TransferSeg"))
    volumes, node, _ = addCorrected(scene, 1)
    cases.addFromScene(volumes, node, {"oedema": "oedema"}, "p1")
    model = placeModel()
    assert cases.addFolders(folderOf(tmp_path, "q2"), modelName=model) == 1
    assert "mark one as held out" in stepped.whyNotLight(model, cases, student=STUDENT, prune=0.5)
    cases.setHeldOut(1, True)
    run = stepped.makeLightVersion(model, cases, student=STUDENT, measure=False, callback=lambda *end: None)
    while not stepped.client.jobs and not run.finished:
        stepped.client.pump()
    assert not run.finished, run.error
    (job,) = stepped.client.jobs
    assert job.args["hold_out"] == ["q2"] and Path(job.args["data"]) == lightFolder("small-light") / "cases.csv"
    assert (lightFolder("small-light") / "cases" / "p1" / "truth.nrrd").is_file()
    run.cancel()
    assert not lightFolder("small-light").exists(), "copies of a patient's images do not stay"


def test_what_cannot_be_made_is_said_before(stepped: Any, data: Path, tmp_path: Path) -> None:
    from TransferSegGUI.models import findModel

    def why(model: str, given: Any = data, **how: Any) -> str:
        return stepped.whyNotLight(model, given, **how) or ""

    model, level = placeTeacher(), "l3-cnn4-phantom"
    assert "Choose a student" in why(model)
    assert "gives no outlines" in why(level, student=STUDENT)
    assert "CSV of scans" in why(level, None, prune=0.5)
    assert "8 bits are measured by Dice" in why(level, onnx=tmp_path / "x.onnx", int8=True)
    assert "Choose the folder of cases" in why(model, None, student=STUDENT)
    assert "is not there" in why(model, tmp_path / "no", student=STUDENT)
    assert "end with .onnx" in why(model, None, onnx=tmp_path / "x.zip")
    assert "no folder" in why(model, None, onnx=tmp_path / "no" / "x.onnx")
    assert "1 to 99 %" in why(model, prune=1.0) and "cannot be taught by" in why(model, student="petct-light")
    assert "cannot be taught by" in why(model, student="l3-cnn4")
    assert why(model, student="unet2d-32-64") == "" and why(model, None, onnx=tmp_path / "x.onnx") == ""
    sarcoma = findModel("petct-light-sarcoma")
    if sarcoma.card.composed:
        assert "several networks" in why("petct-light-sarcoma", prune=0.5)
    assert "There is no model nothing" in why("nothing")
