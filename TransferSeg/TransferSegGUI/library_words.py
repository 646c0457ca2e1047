"""The library's sentences that reach a panel, in the user's language: known ones through ``tr``, others unchanged."""

from __future__ import annotations

import re
from functools import cache

from .translating import _

ANY = "(.+?)"


def inOwnWords(text: str) -> str:
    """A sentence of the library, translated where it is a known one; so are the parts that vary in it.

    Example
    -------
    >>> inOwnWords("CPU (no GPU that torch can use, 2 threads), float32 as this network is quick in it")
    'GPU not found: runs on the CPU (2 cores).'
    """
    for pattern, template in _sentences():
        found = pattern.fullmatch(text)
        if found:
            return template.format(*(inOwnWords(part) for part in found.groups()))
    return text


@cache
def _sentences() -> list[tuple[re.Pattern[str], str]]:
    """Each known sentence, and what is said for it; the first that fits counts."""
    rows = [*_devices(), *_verdicts(), *_levels(), *_petct(), *_preparation(), *_guesses(), *_live(), *_light()]
    rows += _errors()
    return [(re.compile(pattern), template) for pattern, template in rows]


def _devices() -> list[tuple[str, str]]:
    return [
        (r"CPU \(no GPU that torch can use, 1 threads\), .*", _("GPU not found: runs on the CPU (1 core).")),
        (r"CPU \(no GPU that torch can use, (\d+) threads\), .*", _("GPU not found: runs on the CPU ({0} cores).")),
        (r"CPU \((\d+) threads\), .*", _("Runs on the CPU ({0} cores).")),
        (rf"GPU {ANY}, \S+ (?:precision )?as .*", _("Runs on the GPU {0}.")),
    ]


def _verdicts() -> list[tuple[str, str]]:
    return [
        ("1 held-out case", _("1 held-out case")),
        (r"(\d+) held-out cases", _("{0} held-out cases")),
        (f"{ANY}; one case proves little", _("{0}; one case proves little")),
        ("not measured: no case was held out", _("not measured: no case was held out")),
        (
            "not measured: the held-out cases have none of the labels",
            _("not measured: the held-out cases have none of the labels"),
        ),
        (
            "not measured: no held-out case has a label that both models know",
            _("not measured: no held-out case has a label that both models know"),
        ),
        (
            rf"not measured: no source model to compare with; mean Dice {ANY} on {ANY}",
            _("not measured: no source model to compare with; mean Dice {0} on {1}"),
        ),
        (rf"better on (\d+) of {ANY}: mean Dice {ANY}", _("better on {0} of {1}: mean Dice {2}")),
        (
            rf"no difference: better on (\d+) of {ANY}, mean Dice {ANY}, within noise",
            _("no difference: better on {0} of {1}, mean Dice {2}, within noise"),
        ),
        (rf"no difference: mean Dice {ANY} on {ANY}", _("no difference: mean Dice {0} on {1}")),
        (
            rf"worse: mean Dice {ANY} on {ANY}; the old model stays the one that is offered",
            _("worse: mean Dice {0} on {1}; the old model stays the one that is offered"),
        ),
    ]


def _levels() -> list[tuple[str, str]]:
    return [
        (
            r"This scan is one of the cases that (.+) was trained on: its answer says nothing about new scans\.",
            _("This scan is one of the cases that {0} was trained on: its answer says nothing about new scans."),
        ),
    ]


def _petct() -> list[tuple[str, str]]:
    """Notes on lesions that count, and on SUV that is unusual."""
    return [
        ("bladder", _("bladder")),
        ("kidney", _("kidney")),
        (
            r"lesion (\d+) may be urine in the (.+), and counts: look, and move it if so",
            _("Lesion {0} may be urine in the {1}, and counts: look, and move it if so."),
        ),
        (
            r"lesions ([\d, ]+) may be urine in the (.+), and count: look, and move those that are",
            _("Lesions {0} may be urine in the {1}, and count: look, and move those that are."),
        ),
        (
            r"lesion (\d+) reaches the border of the image; what it may have beyond it is not counted",
            _("Lesion {0} reaches the border of the image; what it may have beyond it is not counted."),
        ),
        (
            r"lesions ([\d, ]+) reach the border of the image; what they may have beyond it is not counted",
            _("Lesions {0} reach the border of the image; what they may have beyond it is not counted."),
        ),
        (
            r"The picture holds (\S+) times the injected activity: check dose, weight and times\.",
            _("The picture holds {0} times the injected activity: check dose, weight and times."),
        ),
        (
            r"The highest SUV is (\S+): urine, a vein of injection, or a wrong number\.",
            _("The highest SUV is {0}: urine, a vein of injection, or a wrong number."),
        ),
        (
            r"The highest SUV is only (\S+): check unit, dose, weight and times\.",
            _("The highest SUV is only {0}: check unit, dose, weight and times."),
        ),
    ]


def _preparation() -> list[tuple[str, str]]:
    return [
        (r"registration of (.+?): done \((.+)\)", _("registration of {0}: done ({1})")),
        (r"registration of (.+?): skipped \((.+)\)", _("registration of {0}: skipped ({1})")),
        (r"registration of (.+?): kept \((.+)\)", _("registration of {0}: kept ({1})")),
        (r"brain mask: done \((.+)\)", _("brain mask: done ({0})")),
        (r"brain mask: skipped \((.+)\)", _("brain mask: skipped ({0})")),
        (r"resampling: done \((.+) mm to (.+) mm, linear\)", _("resampling: done ({0} mm to {1} mm, linear)")),
        (r"resampling: skipped \((.+)\)", _("resampling: skipped ({0})")),
        (r"normalisation: done \((.+)\)", _("normalisation: done ({0})")),
        ("same grid, and no small shift or turn matches better", _("same grid, and no small shift matches better")),
        ("not wanted; the headers are trusted", _("not wanted; the headers are trusted")),
        (r"same grid, stripped already, brains coincide \(Dice (.+)\)", _("same grid, brains coincide (Dice {0})")),
        (r"same space, stripped already, brains coincide \(Dice (.+)\)", _("same space, brains coincide (Dice {0})")),
        (r"spacing is (.+) mm already", _("spacing is {0} mm already")),
        (r"not wanted; spacing stays (.+) mm", _("not wanted; spacing stays {0} mm")),
        ("the images are stripped already; used as they are", _("the images are stripped already; used as they are")),
        ("not wanted; the head's foreground is used", _("not wanted; the head's foreground is used")),
        (
            r"atlas-based mask on (.+), less exact than HD-BET \(no hd-bet on the PATH\)",
            _("atlas-based mask on {0}, less exact than HD-BET, which is not installed"),
        ),
        (
            r"brain mask: (.+); look at the border of the brain",
            _("brain mask: {0}; look at the border of the brain"),
        ),
        (
            r"(.+): registration was not trusted, (.+); the headers are kept",
            _("{0}: registration was not trusted, {1}; the headers are kept"),
        ),
        (
            r"(.+) shares only (\d+) % of its field of view with (.+)",
            _("{0} shares only {1} % of its field of view with {2}"),
        ),
    ]


def _guesses() -> list[tuple[str, str]]:
    """Why an image is not sure to be what it was taken for; ``{0}`` is where that was read."""
    return [
        ("name", _("name")),
        ("series description", _("series description")),
        ("its (.+) names both PET and CT", _("its {0} names both PET and CT")),
        ("its (.+) names both T1 and FLAIR", _("its {0} names both T1 and FLAIR")),
        ("its (.+) names both T1 and T2", _("its {0} names both T1 and T2")),
        ("its (.+) speaks of contrast but not of T1", _("its {0} speaks of contrast but not of T1")),
        (
            "its (.+) speaks both of before and of after contrast",
            _("its {0} speaks both of before and of after contrast"),
        ),
        (
            "its (.+?) says (.+), and only the DICOM field of the contrast agent says more",
            _("its {0} says {1}, and only the DICOM field of the contrast agent says more"),
        ),
        ("its (.+?) says (.+) followed by (.+)", _("its {0} says {1} followed by {2}")),
        ("its (.+?) says (.+)", _("its {0} says {1}")),
    ]


def _live() -> list[tuple[str, str]]:
    return [
        (
            r"slices are taken as they lie, (.+) mm apart; segment has them (.+) mm apart",
            _("The slices are taken as they lie, {0} mm apart; the model learned from slices {1} mm apart."),
        ),
        (
            r"frame: (\S+) was registered to the reference, its changes cannot be followed; open the images anew",
            _("{0} was aligned with the reference image: its changes cannot be followed. Switch live mode on again."),
        ),
        (
            r"frame: (\S+) lies on another grid than the reference; resample it first, or open the images anew",
            _("{0} has other voxels than the reference image: its changes cannot be followed. Resample it first."),
        ),
        (
            r"frame: (\S+) has values that are not finite \(NaN or infinite\); mend the image",
            _("{0} has values that are no numbers (NaN or infinite); mend the image."),
        ),
    ]


def _light() -> list[tuple[str, str]]:
    size = r"a student of ([\d,]+) parameters, ([\d.e+]+ (?:% of|times)) its teacher's"
    number, mean, kept = r"([\d.e+]+)", r"mean Dice ([\d.]+)", r"(\d+) % of the maps kept by \w+"
    return [
        (
            rf"{size}: {mean} on {ANY}, the teacher's ([\d.]+): worse by ([\d.]+), not proposed",
            _(
                "The student has {0} parameters, {1} its teacher's. Mean Dice {2} on {3}, the teacher's {4}: worse by "
                "{5}, so it is not proposed."
            ),
        ),
        (
            rf"{size}: {mean} on {ANY}, the teacher's ([\d.]+)",
            _("The student has {0} parameters, {1} its teacher's. Mean Dice {2} on {3}, the teacher's {4}."),
        ),
        (
            rf"{size}: {mean} on {ANY}",
            _("The student has {0} parameters, {1} its teacher's. Mean Dice {2} on {3}."),
        ),
        (
            rf"{size}; not measured: no case with its labels was held out",
            _("The student has {0} parameters, {1} its teacher's. Not measured: no case was held out."),
        ),
        (
            rf"{kept}: Dice {number} to {number}, {number} ms a window to {number} ms a window\.",
            _("Pruned to {0} % of the maps: Dice {1} before, {2} after; a window takes {3} ms before, {4} ms after."),
        ),
        (
            rf"{kept}: {number} to {number} mm error, {number} s a scan to {number} s a scan\.",
            _("Pruned to {0} % of the maps: {1} mm before, {2} mm after; a scan takes {3} s before, {4} s after."),
        ),
        (
            rf"{ANY} keeps no record of its cases: whether it learned from held-out ones is not known",
            _("{0} keeps no record of its cases: whether it learned from held-out ones is not known."),
        ),
        (
            rf"{ANY} learned from (\d+) of the (\d+) held-out cases: neither score is one of new cases",
            _("{0} learned from {1} of the {2} held-out cases: neither score is one of new cases."),
        ),
        (
            rf"the student is not smaller than its teacher \({ANY} and {ANY}\)",
            _("The student is not smaller than its teacher ({0} and {1} parameters)."),
        ),
    ]


def _errors() -> list[tuple[str, str]]:
    return [
        (
            "not enough memory; close other programs or choose a smaller window",
            _("not enough memory; close other programs or choose a smaller window"),
        ),
        (
            "(.+): the disk is full; free some space or choose another folder",
            _("{0}: the disk is full; free some space"),
        ),
        (
            "(.+): the folder is not writable; choose another folder",
            _("{0}: the folder is not writable; choose another folder"),
        ),
        (
            "(.+): no brain was found in (.+); check the images, or use mask off",
            _("{0}: no brain was found in {1}; check the images, or switch the brain mask off"),
        ),
        (
            r"torch cannot be loaded \((.+)\); install the dependencies again",
            _("PyTorch cannot be loaded ({0}); install the packages again"),
        ),
        (
            r"(.+): holds \d+ bundles, expected one with .+",
            _("{0} is not a model. Choose a zip made by Export…, or a MONAI Bundle."),
        ),
        (
            "(.+)/configs/metadata.json: not found; a model is a folder or zip in the layout of a MONAI Bundle",
            _("{0} is not a model. Choose a model's folder, a zip made by Export…, or a MONAI Bundle."),
        ),
        (
            r"(.+): none of its \d+ cases has a truth \((.+)\); .+",
            _("{0}: no case has a file with the drawn outline ({1})."),
        ),
    ]
