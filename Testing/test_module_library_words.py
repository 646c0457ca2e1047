"""The library's sentences that panels show: each is known to the table, so that it can be translated."""

from __future__ import annotations

import zipfile

import pytest
from host.api import PROJECT  # noqa: F401  (skips where the host is not there)


def _cases(*dice: float | None) -> dict:
    return {"cases": [{"id": f"c{n}", "dice": {"lesion": value}} for n, value in enumerate(dice)]}


VERDICTS = [
    (None, None),
    (None, _cases(0.5, 0.6)),
    (None, _cases(None)),
    (_cases(None), _cases(0.5)),
    (_cases(0.5), _cases(0.7)),
    (_cases(0.5, 0.5, 0.5), _cases(0.7, 0.71, 0.69)),
    (_cases(0.7), _cases(0.5)),
    (_cases(0.5, 0.5), _cases(0.501, 0.5)),
    (_cases(0.5, 0.5), _cases(0.9, 0.2)),
]


@pytest.fixture
def marked(app, monkeypatch):
    """``inOwnWords`` with a translation that is told apart from the original: its letters are doubled in case."""
    from TransferSegGUI import library_words

    library_words._sentences.cache_clear()
    monkeypatch.setattr(library_words, "_", lambda text: f"<{text}>")
    yield library_words.inOwnWords
    library_words._sentences.cache_clear()


@pytest.mark.parametrize(("before", "after"), VERDICTS)
def test_every_verdict_is_known_and_reads_as_the_library_says_it(app, marked, before, after):
    from TransferSegLib.reporting import verdict

    message = verdict(before, after)[1]
    said = marked(message)
    assert said.startswith("<") and said.replace("<", "").replace(">", "") == message


@pytest.mark.parametrize(
    "text",
    [
        "registration of t1, t2: skipped (same grid, and no small shift or turn matches better)",
        "brain mask: skipped (the images are stripped already; used as they are)",
        "resampling: done (0.9 x 0.9 x 3 mm to 1 x 1 x 1 mm, linear)",
        "brain mask: atlas-based mask on t1, less exact than HD-BET (no hd-bet on the PATH); look at the border of the "
        "brain",
        "its name says T2 followed by 'star'",
        "GPU NVIDIA H200, half precision as it gains there",
        "GPU NVIDIA H200, float16 as asked",
        "CPU (4 threads), float32 as asked",
        "slices are taken as they lie, 3 mm apart; segment has them 1 mm apart",
        "frame: t2 lies on another grid than the reference; resample it first, or open the images anew",
        "frame: t1 was registered to the reference, its changes cannot be followed; open the images anew",
        "frame: ct has values that are not finite (NaN or infinite); mend the image",
    ],
)
def test_steps_reasons_and_devices_are_known(marked, text):
    assert marked(text).startswith("<")


@pytest.mark.parametrize("numbers", [(3,), (1, 12)])
@pytest.mark.parametrize("organ", ["bladder", "kidney"])
def test_notes_on_lesions_are_known_to_their_organs(marked, numbers, organ):
    from types import SimpleNamespace

    from TransferSegLib.lesions.totals import border_notes, suspicion_notes

    lesions = [SimpleNamespace(number=number, suspected=organ) for number in numbers]
    for note in suspicion_notes(lesions) + border_notes(numbers):
        said = marked(note)
        assert said.startswith("<Lesion") and ", ".join(map(str, numbers)) in said, note
    assert f"<{organ}>" in marked(suspicion_notes(lesions)[0]), "the organ is a word to translate too"


def test_notes_on_suv_are_known(marked):
    import numpy as np

    from TransferSegLib.imaging import Grid
    from TransferSegLib.imaging.pet_checks import check_suv

    grid = Grid((10, 10, 10), (10.0, 10.0, 10.0), (0.0, 0.0, 0.0))
    for value in (0.5, 250.0):
        suv = np.zeros((10, 10, 10), np.float32)
        suv[0, 0, 0] = value
        for note in check_suv(suv, grid, None, "PET"):
            assert marked(note).startswith("<"), note
    notes = check_suv(np.full((10, 10, 10), 2.0, np.float32), grid, 1.0, "PET")
    assert notes and all(marked(note).startswith("<") for note in notes)


def test_roles_that_are_in_doubt_say_why_in_known_words(marked):
    from TransferSegLib.cases import guess_role

    for name in ("T1 FLAIR", "PET CT", "T2_star", "mri post gado", "t1_t2", "T1 sag odd", "t1 pre post gd"):
        guess = guess_role(name)
        if guess is not None:
            assert marked(guess.reason).startswith("<"), guess.reason


def test_what_teaching_and_pruning_say_is_known(marked):
    """As `jobs/distill_report.py` and `jobs/prune_report.py` make it."""
    from types import SimpleNamespace

    from TransferSegLib.jobs.distill_report import _message
    from TransferSegLib.jobs.prune_options import PruneOptions
    from TransferSegLib.jobs.prune_report import prune_message

    job, sizes = SimpleNamespace(held_out=("a", "b")), {"student": 1753, "percent": 1.4}
    dice = {"mean": {"dice": 0.5}}
    for before, after in ((dice, dice), (None, dice), (None, None)):
        assert marked(_message(before, after, sizes, job)).startswith("<The student has 1,753 parameters, 1.4 %")
    worse = marked(_message(dice, {"mean": {"dice": 0.1}}, sizes | {"percent": 1583.05}, job))
    assert worse.startswith("<The student has 1,753 parameters, 15.8 times its teacher's") and "0.400" in worse
    row = {"criterion": "taylor", "kept": 1.0, "parameters": 1753, "seconds": 0.1, "dice": 0.5}
    curve = [row, row | {"kept": 0.5, "parameters": 532}]
    said = marked(prune_message(curve, PruneOptions(), None))
    assert said.startswith("<Pruned to 50 % of the maps: Dice 0.500 before, 0.500 after; a window takes 100 ms before")
    level = [one | {"error_mm": 3.2} for one in curve]
    assert "3.2 mm before" in marked(prune_message(level, PruneOptions(), None))


def test_unknown_words_pass_unchanged(app, marked):
    assert marked("something {new} that nobody foresaw") == "something {new} that nobody foresaw"


def test_errors_and_results_go_through_the_table(app, monkeypatch):
    from TransferSegGUI import wording

    from TransferSegLib.errors import OutOfMemory

    monkeypatch.setattr(wording, "inOwnWords", str.upper)
    assert wording.plainError(OutOfMemory()).message.startswith("NOT ENOUGH MEMORY")


def test_a_file_that_is_no_model_is_said_plainly(app, tmp_path):
    from TransferSegGUI.library_words import inOwnWords

    from TransferSegLib.errors import TransferSegError
    from TransferSegLib.jobs.models import models_import

    (tmp_path / "folder").mkdir()
    with zipfile.ZipFile(tmp_path / "real.zip", "w") as archive:
        archive.writestr("a.txt", "x")
    for name in ("folder", "real.zip"):
        with pytest.raises(TransferSegError) as caught:
            models_import(tmp_path / name)
        assert f"{name} is not a model. Choose" in inOwnWords(caught.value.message)
