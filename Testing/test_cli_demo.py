"""The demo does the whole story offline and prints the table that the README promises."""

from __future__ import annotations

from pathlib import Path

from helpers_cli import call


def test_the_demo_adapts_scores_and_draws(capsys, tmp_path):
    answer = call(capsys, "demo", "--out", tmp_path / "demo", "--json")
    assert answer.code == 0, answer.err
    value = answer.value
    held_out = {"before", "scratch", "half-lr", "freeze-encoder"}
    dice = {name: value[name]["mean"]["dice"] for name in held_out}
    assert all(0 <= d <= 1 for d in dice.values())
    # The order that the demo is there to show; on phantoms it is no accident of a seed.
    assert dice["half-lr"] > dice["scratch"]
    assert all(value["forgotten"][name]["before"] is not None for name in ("half-lr", "freeze-encoder"))
    assert (tmp_path / "demo" / "segmentation.nii.gz").is_file()
    for picture in value["pictures"]:
        assert Path(picture).read_bytes()[:4] == b"\x89PNG"
    with_files = tmp_path / "mine"
    with_files.mkdir()
    (with_files / "precious.txt").write_text("x")
    refused = call(capsys, "demo", "--out", with_files)
    assert refused.code == 1 and "not empty" in refused.error and (with_files / "precious.txt").is_file()
