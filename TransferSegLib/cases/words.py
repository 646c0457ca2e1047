"""The words of file names and series descriptions that tell sequences apart, French and English."""

from __future__ import annotations

import re
import unicodedata

# Pictures that no role stands for, in any modality. Matched on normalised text (see ``normalise``).
NOTHING = re.compile(
    r"\b(loc|locali[sz]er?s?|localisateur|localisation|reperage|scouts?|scano\w*|topogram\w*|topo|survey"
    r"|3 ?(plane|plan|plans)|smartprep|(bolus|monitoring) ?track\w*|premonitoring|perf|perfusion"
    r"|dose ?(report|info|sr)|mip|minip|soustraction|subtraction|substraction|nac|non ?corrige\w*)\b"
)
# MR sequences that no role stands for.
NOTHING_MR = re.compile(
    r"\b(swi|swan|dwi|e?adc|diff|diffusion|dti|tensor|trace\w*|b ?[1-9]\d{2,3}|bvals?|bvecs?|bolus|tracker"
    r"|dsc|dce|pwi|asl|cbf|cbv|mtt|ttp|tmax|tof|angio\w*|mra|mrv|bold|fmri|rsfmri|phase|mag|pha"
    r"|t1 ?maps?|t2 ?maps?|t1rho|t2 ?star|t2s|gre|epi|stir|dir|pd|pdw|dp|densite|proton|spectro\w*|mrs)\b"
    r"|t2 ?\*"
)
# Said of a T1 before contrast; taken out before words of contrast are looked for.
WITHOUT = re.compile(
    r"\b((sans|without|no|non|w o|pas de|avant|before|pre)[ -]*"
    r"(injection|inj|injecte\w*|gado\w*|gd|gad|contraste?|contrast|pdc|produit de contraste|iv|c|ce|km|enhanced)"
    r"|unenhanced|precontrast\w*|natif|native|nativ|pre|avant|before)\b"
)
CONTRAST = re.compile(
    r"\b((apres|avec|after|with|post|iv)[ -]*"
    r"(injection|inj|gado\w*|gd|gad|contraste?|contrast|pdc|produit de contraste|iv|ce|km|c)"
    r"|post(?! ?(op|operat\w*|operatoire|surg\w*|chir\w*|rt|treatment|process\w*)\b)"
    r"|postcontrast\w*|postgad\w*|postinj\w*"
    r"|gado\w*|gadovist|dotarem|prohance|gd|gad|ce|cm|km|pdc|injecte|injectee|injection|contraste?|enhanced)\b"
    r"|\+ ?(c|gd|gado\w*|gad|iv|contrast\w*|inj\w*|ce)?(?= |$)|\bc ?\+|\biv ?\+"
)
# Sequence names that are T1-weighted by construction.
T1_SEQUENCES = re.compile(r"\b(mprage|mp ?rage|mpr|mp2rage|bravo|f?spgr|ir ?fspgr|tfl ?3d|vibe|lava|thrive)\b")
PET = re.compile(r"\b(pet|tep|fdg|suv|suvbw)\b")
CT = re.compile(r"\b(ct|tdm|ctac|scanner|hu)\b")
FLAIR = re.compile(r"\b(\w*flair\w*|fla|flr|t2 ?f|dark ?fluid)\b")


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


_PREFIX = r"(?:3d|2d|ax|axial|axiale|sag|cor|tra|s|r|br|bet|n4)?"
T1_TOKEN = re.compile(rf"^{_PREFIX}t1(?!\d)(\w*)$")
T2_TOKEN = re.compile(rf"^{_PREFIX}t2(?!\d)(\w*)$")
# What may hang on "t1" or "t2" without a separator.
PLAIN_ENDS = _set(
    "w wi weighted n nat native pre se tse fse tra ax sag cor 3d mpr mprage space spc bet brain frfse "
    "blade propeller mri wmri fs spair"
) | {""}
CONTRAST_ENDS = _set(
    "c ce gd gado gad gadolinium post postc postcontrast postgd postgado wc wce wgd wpost wgado contrast k km cw "
    "inj injecte cewi "
)
FLAIR_ENDS = _set("f fl flair fla wf wflair")

TRUTH_WORDS = _set(
    "seg segs segmentation segmentations label labels labelmap mask masks msk truth groundtruth gt goldstandard"
)
BRAIN_MASK = re.compile(r"\b(brain ?mask|brainmask|bet ?mask|brain ?msk|mask ?brain|masque ?cerveau)\b")


def normalise(text: str) -> str:
    """Lower case, no accents, separators as single spaces, ``+`` standing alone."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c)).lower()
    # BIDS says with space-T1w in which space an image lies, "flair_to_t1" to what it was moved.
    plain = re.sub(r"(^|[_. -])(space-[a-z0-9]+|to[_-]?t[12]w?(?=[_. -]|$))", " ", plain)
    plain = re.sub(r"(?<=[a-z])2(t[12]w?\b)", " ", plain)
    plain = re.sub(r"[_\-./\\()\[\],:;=<>]+", " ", plain).replace("+", " + ")
    return " ".join(plain.split())
