"""What the PET/CT panel says: organs, thresholds, totals, errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from slicer.i18n import tr as _

LESION = "lesion"
ORGANS = ("brain", "bladder", "kidney", "heart", "other")
"""What uptake can be besides a lesion; the values are the library's."""
RULES = ("4.0", "2.5", "41%")


def organName(kind: str) -> str:
    """What an uptake is, in a word."""
    names = {
        "": _("lesion"),
        LESION: _("lesion"),
        "brain": _("brain"),
        "bladder": _("bladder"),
        "kidney": _("kidney"),
        "heart": _("heart"),
        "other": _("physiological"),
    }
    return names.get(kind, kind.removeprefix("other:"))


def ruleText(rule: str | None) -> str:
    """A threshold in words."""
    if rule is None:
        return _("as outlined")
    if rule.endswith("%"):
        return _("{n} % of SUVmax").format(n=rule[:-1])
    return _("SUV ≥ {n}").format(n="4.0, ≥ 3 ml" if rule == "reading" else rule)


def number(value: float | None, digits: int = 1) -> str:
    """A figure, or a dash where it is undefined."""
    return "–" if value is None else f"{value:,.{digits}f}".replace(",", " ")


def totalsText(record: Mapping[str, Any]) -> str:
    """The totals, rich text."""
    rows = [
        (_("TLG"), _("{n} g").format(n=number(record["tlg"]))),
        (_("Lesions"), str(record["count"])),
        (_("SUVmax"), number(record["suv_max"], 2)),
        (_("Dmax, voxels"), _("{n} mm").format(n=number(record["dmax_voxel_mm"]))),
        (_("Dmax, centroids"), _("{n} mm").format(n=number(record["dmax_centroid_mm"]))),
        (_("Physiological"), _("{n} ml").format(n=number(record["physiological_ml"]))),
    ]
    lines = "".join(
        f"<tr><td>{what}&nbsp;&nbsp;</td><td align='right'><b>{value}</b></td></tr>" for what, value in rows
    )
    head = _("TMTV {n} ml").format(n=number(record["tmtv_ml"]))
    how = ruleText(record["rule"]) if not record["edited"] else _("edited by hand")
    return f"<p style='font-size:15pt; margin:0'><b>{head}</b></p><p style='margin:0'>{how}</p><table>{lines}</table>"


def errorsText(errors: Mapping[str, Any] | None) -> str:
    """The errors against a truth, a few lines; empty without."""
    if not errors:
        return ""
    ml = _("TP {tp}, FN {fn}, FP {fp} ml").format(
        tp=number(errors["tp_ml"], 2), fn=number(errors["fn_ml"], 2), fp=number(errors["fp_ml"], 2)
    )
    lines = [
        _("Dice {dice}, precision {precision}, recall {recall}").format(
            **{name: number(errors[name], 3) for name in ("dice", "precision", "recall")}
        ),
        ml,
        _("Hausdorff {hd} mm, 95 % {hd95} mm, mean {mean} mm").format(
            hd=number(errors["hausdorff_mm"]), hd95=number(errors["hd95_mm"]), mean=number(errors["mean_distance_mm"])
        ),
    ]
    for field, words in (("approach1", _("Any overlap")), ("approach2", _("By half of the lesion"))):
        counts = errors.get(field)
        if counts:
            text = _("{how}: {tp} lesions right, {fp} wrong, {fn} missed")
            names = {"tp": "true_positive", "fp": "false_positive", "fn": "false_negative"}
            lines.append(text.format(how=words, **{key: counts[name] for key, name in names.items()}))
    return "\n".join(lines)


def keptText(case: Any) -> str:
    """What was kept as a training case, and what was left out of it."""
    text = _("Kept as training case {case}: {ml} ml of lesions, PET in SUV and CT; see the tab Adapt.")
    text = text.format(case=case.id, ml=number(case.lesionMl, 1 if case.lesionMl >= 10 else 2))
    if case.leftOut:
        organs = ", ".join(organName(organ) for organ in case.leftOut)
        text += " " + _("Left out as physiological, so background to a model: {organs}.").format(organs=organs)
    return text
