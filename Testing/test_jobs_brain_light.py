"""The recipe of the shipped light brain model, at a size that tests can afford."""

from __future__ import annotations

import pytest

from TransferSegLib.cli import brain_light as door
from TransferSegLib.errors import StorageError
from TransferSegLib.jobs import brain_light
from TransferSegLib.jobs.brain_light import LightRecipe, make_brain_light
from TransferSegLib.jobs.pretrain import LABELS, Recipe

SMALL = LightRecipe(
    phantoms=Recipe(counts=(("glioma", 4), ("postoperative", 4)), held_out=0, shape=(32, 36, 32)),
    teacher="unet", teacher_epochs=1, teacher_patch=32, teacher_batch=1,
    student="unet3d-2-4", epochs=1, patch=32, batch=1,
)  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("light")
    return folder, make_brain_light(folder / "out", folder / "work", recipe=SMALL, command="make it")


def test_the_recipe_makes_a_light_model_that_says_what_it_is(made):
    folder, package = made
    card = package.card
    assert card.name == "brain-light" and card.network == "unet3d-2-4" and card.origin["command"] == "make it"
    assert [(label.value, label.name) for label in card.labels] == [(label.value, label.name) for label in LABELS]
    assert card.origin["distilled_from"] == "unet" and card.origin["recipe"]["phantoms"]["held_out"] == 0
    assert "phantoms" in card.description and not card.measured_on
    assert package.network() is not None
    with pytest.raises(StorageError):
        make_brain_light(folder / "out", folder / "work", recipe=SMALL)


def test_what_is_finished_is_not_done_again(made, tmp_path, monkeypatch):
    folder, package = made
    for verb in ("finetune", "distill"):
        monkeypatch.setattr(brain_light, verb, lambda **_: pytest.fail("done already"))
    again = make_brain_light(tmp_path / "again", folder / "work", recipe=SMALL)
    assert again.card.weights_sha256 == package.card.weights_sha256


def test_the_command_names_what_was_changed():
    assert door._command(LightRecipe(epochs=3)) == (
        "python -m TransferSegLib.cli.brain_light --epochs 3 --work WORK --out OUT"
    )
