"""Body composition at L3 against the truth of CT phantoms: overlap and error of each tissue's area, seconds a slice."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from TransferSegLib.errors import TransferSegError
from TransferSegLib.level.composition import segment_slice
from TransferSegLib.measuring.body_composition import TISSUES, body_composition
from TransferSegLib.phantoms.ct_phantom import ct_phantom


def main() -> None:
    """Print one line a phantom and the means; phantoms that show the spine alone or miss L3 are counted apart."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=30)
    parser.add_argument("--first", type=int, default=0, help="first seed")
    args = parser.parse_args()
    overlaps, errors, seconds, left = [], [], [], 0
    for seed in range(args.first, args.first + args.count):
        kind = "other" if seed % 3 == 2 else "adult"
        try:
            phantom = ct_phantom(seed, kind=kind, field="abdomen", spacing=(0.8, 0.8, 12.0))
            truth, hu, spacing = phantom.tissues("L3")
            started = time.process_time()
            found = segment_slice(hu, spacing)
        except TransferSegError as error:
            left += 1
            print(f"{seed:4d} left out: {error}")
            continue
        seconds.append(time.process_time() - started)
        if any("Most of the trunk" in note for note in found.notes):
            left += 1
            print(f"{seed:4d} left out: the spine alone is in view, and the notes say so")
            continue
        areas = [list(body_composition(x, hu, spacing)["areas_cm2"].values()) for x in (found.labels, truth)]
        overlaps.append([_dice(found.labels == value, truth == value) for value, *_ in TISSUES])
        errors.append(np.subtract(*areas))
        print(f"{seed:4d} Dice " + " ".join(f"{d:.3f}" for d in overlaps[-1]), "cm2 off", np.round(errors[-1], 1))
    for place, (_, name, _, _) in enumerate(TISSUES):
        dice, error = np.array(overlaps)[:, place], np.array(errors)[:, place]
        print(
            f"{name:18} Dice median {np.median(dice):.3f}, least {dice.min():.3f}; area off by "
            f"{np.abs(error).mean():.1f} cm2 (mean), {error.mean():+.1f} (bias)"
        )
    print(f"{len(overlaps)} phantoms, {left} left out; {np.median(seconds):.2f} s of one core a slice")


def _dice(found: np.ndarray, truth: np.ndarray) -> float:
    return 2 * np.count_nonzero(found & truth) / max(np.count_nonzero(found) + np.count_nonzero(truth), 1)


if __name__ == "__main__":
    main()
