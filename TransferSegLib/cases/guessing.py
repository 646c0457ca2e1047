"""Which role an image has, guessed from its name and its DICOM description."""

from __future__ import annotations

import re
from dataclasses import dataclass

from . import words


@dataclass(frozen=True)
class Guess:
    """A role and the evidence for it; ``doubtful`` when only weak evidence speaks."""

    role: str
    doubtful: bool
    reason: str


def guess_role(name: str, *, description: str = "", modality: str = "", contrast: bool = False) -> Guess | None:
    """Guess the role of one image, or None when it has none (SWI, diffusion, localisers, unknown).

    Parameters
    ----------
    name : str
        File name without folder and suffix; may be empty.
    description : str
        DICOM series description; it counts more than the name.
    modality : str
        DICOM modality, ``MR``, ``CT`` or ``PT``.
    contrast : bool
        Whether the DICOM header names a contrast agent.
    """
    text, source = (description, "series description") if description.strip() else (name, "name")
    guess = _from_text(words.normalise(text), source, modality.upper(), contrast)
    if guess is None and description.strip() and not _excluded(words.normalise(text)):
        guess = _from_text(words.normalise(name), "name", modality.upper(), contrast)
    return guess


def channel_number(name: str) -> int | None:
    """The number of an nnU-Net name, 2 for ``case_0002``, or None."""
    found = re.search(r"_(\d{4})$", name)
    return int(found.group(1)) if found else None


def _excluded(text: str) -> bool:
    return bool(words.NOTHING.search(text) or words.NOTHING_MR.search(text))


def _from_text(text: str, source: str, modality: str, contrast: bool) -> Guess | None:
    if words.NOTHING.search(text):
        return None
    if modality in ("CT", "PT"):
        return Guess({"CT": "ct", "PT": "pet"}[modality], False, f"DICOM modality {modality}")
    if modality and modality != "MR":
        return None
    if not modality:
        guess = _tomography(text, source)
        if guess is not None:
            return guess
    if words.NOTHING_MR.search(text):
        return None
    return _magnetic(text, source, contrast)


def _tomography(text: str, source: str) -> Guess | None:
    pet, ct = words.PET.search(text), words.CT.search(text)
    if not pet and not ct:
        return None
    word = (pet or ct).group()
    if pet and ct:
        last_ct = [m.start() for m in words.CT.finditer(text)][-1]
        last_pet = [m.start() for m in words.PET.finditer(text)][-1]
        return Guess("ct" if last_ct > last_pet else "pet", True, f"its {source} names both PET and CT")
    weak = word in ("scanner", "hu", "suv", "fdg")
    return Guess("pet" if pet else "ct", weak, f"its {source} says {word}")


def _magnetic(text: str, source: str, contrast: bool) -> Guess | None:
    tokens = text.split()
    t1 = [m.group(1) for m in map(words.T1_TOKEN.match, tokens) if m]
    t2 = [m.group(1) for m in map(words.T2_TOKEN.match, tokens) if m]
    flair = words.FLAIR.search(text) is not None or any(end in words.FLAIR_ENDS for end in t2)
    if flair:
        if t1 and not t2:
            return Guess("t1" if "t1 flair" in text else "flair", True, f"its {source} names both T1 and FLAIR")
        return Guess("flair", False, f"its {source} says FLAIR")
    if t1 and t2:
        return Guess("t1", True, f"its {source} names both T1 and T2")
    if t2:
        odd = [end for end in t2 if end not in words.PLAIN_ENDS | words.CONTRAST_ENDS]
        return Guess("t2", bool(odd), f"its {source} says T2" + (f" followed by {odd[0]!r}" if odd else ""))
    return _t1(text, source, t1, contrast)


def _t1(text: str, source: str, ends: list[str], contrast: bool) -> Guess | None:
    """T1 with or without contrast."""
    without = words.WITHOUT.search(text) is not None
    said = words.CONTRAST.search(words.WITHOUT.sub(" ", text)) is not None
    said = said or any(end in words.CONTRAST_ENDS for end in ends)
    said = said or bool(re.search(r"\bt1w? (c|k)\b", text))
    sequence = words.T1_SEQUENCES.search(text)
    if not ends and sequence is None:
        weak = Guess("t1gd", True, f"its {source} speaks of contrast but not of T1")
        return weak if said and not without and re.search(r"\b(3d|mr|irm|mri|post|gado\w*|injection)\b", text) else None
    named = "T1" if ends else sequence.group()
    if said and without:
        return Guess("t1gd", True, f"its {source} speaks both of before and of after contrast")
    if said:
        return Guess("t1gd", False, f"its {source} says {named} with contrast")
    odd = [end for end in ends if end not in words.PLAIN_ENDS]
    if odd:
        return Guess("t1", True, f"its {source} says T1 followed by {odd[0]!r}")
    if contrast and not without:
        return Guess(
            "t1gd", True, f"its {source} says {named}, and only the DICOM field of the contrast agent says more"
        )
    return Guess("t1", False, f"its {source} says {named}")
