"""The table of light networks: every segmentation network has its rows, it goes on in its file, ratios are right."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "benchmarks"))
import light_networks

from TransferSegLib.networks import network_names


def made(seconds: float, whole: float) -> dict:
    row = {"threads": 2, "repeats": 1, "real": False, "date": "", "parameters": 10, "macs": 2e9, "precision": "float32"}
    return {**row, "case": "", "seconds": seconds, "peak_mb": 5.0, "segment_seconds": whole, "segment_peak_mb": 1500.0}


@pytest.fixture
def run(monkeypatch, tmp_path, capsys):
    """The script with made figures; gives what it measured and printed."""
    figures = {"dynunet": made(20.0, 24.0), "unet": made(1.0, 2.4), "mfnet": made(4.0, 6.0)}
    asked = []

    def measured(name, what, options):
        asked.append(f"{name} {what}")
        return figures.get(name, made(1.0, 9.0))

    def call(*arguments):
        asked.clear()
        file = ["--json", str(tmp_path / "f.json"), "--data", str(tmp_path)]
        monkeypatch.setattr(sys, "argv", ["light_networks.py", *file, *arguments])
        light_networks.main()
        return list(asked), capsys.readouterr().out

    monkeypatch.setattr(light_networks, "in_own_process", measured)
    return call


def test_every_segmentation_network_and_the_candidates_have_their_rows(run):
    asked, _ = run()
    volumes = [row.split()[0] for row in asked if row.endswith("volume")]
    assert volumes[0] == "dynunet" and {"unet3d-8-16-32-64", "unet3d-8-16-32"} <= set(volumes)
    assert {name for name in network_names() if not name.startswith("l3-")} <= set(volumes)
    assert "unet2d-32-64 slice" in asked and "unet slice" not in asked
    assert run()[0] == [], "all stand in the file"


def test_it_goes_on_row_by_row_and_compares(run):
    assert run("--only", "unet")[1].strip().endswith("targets: not known yet, dynunet was not measured")
    asked, text = run("--only", "dynunet", "unet", "mfnet")
    assert asked == ["dynunet volume", "mfnet volume"]
    lines = {line.split()[0]: line.split() for line in text.splitlines() if line and line[0] != " "}
    assert lines["unet"][3:8] == ["1.00", "20.0", "2.40", "10.0", "1.50"]
    assert lines["mfnet"][4] == "5.0"
    assert text.strip().endswith("10 x dynunet and segment below 3 s: unet")
    assert run("--only", "unet", "--again")[0] == ["unet volume"]
    assert run("--only", "unet", "--threads", "1")[0] == ["unet volume"], "other threads are another measurement"


def test_a_slice_is_really_measured(capsys, monkeypatch, tmp_path):
    import torch

    threads = torch.get_num_threads()
    arguments = ["--row", "unet2d-4-8", "slice", "--repeats", "1", "--threads", "1", "--data", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", ["light_networks.py", *arguments])
    light_networks.main()
    torch.set_num_threads(threads)
    row = json.loads(capsys.readouterr().out)
    assert row["parameters"] == 40 + 148 + 296 + 584 + 132 + 292 + 148 + 5  # conv by conv
    assert row["seconds"] > 0 and "512 x 512" in row["case"]
    fine, coarse = 512 * 512, 256 * 256
    macs = fine * 9 * (4 + 16) + coarse * 9 * (32 + 64) + coarse * 4 * 32 + fine * 9 * (32 + 16) + fine * 4
    assert row["macs"] == macs


def test_the_made_case_is_prepared_as_a_real_one(tmp_path):
    card = light_networks.card_of("unet2d-4-8", light_networks.VOLUME)
    images = light_networks.images_of(tmp_path / "absent", tmp_path)
    case = light_networks.prepared(card, images)
    assert case.array.shape[0] == 4 and case.array.shape[1:] == case.mask.shape
    assert 1.3e6 < case.mask.sum() < 1.7e6
