"""What a body's weight, height and sex make of SUV by body weight: lean body mass and body surface area.

SUV by body weight times ``lean_factor`` is SUL (g/ml), times ``surface_factor`` SUV by body surface area
(cm2/ml, the unit of DICOM and Slicer).

Lean body mass is Janmahasatian's (Clin Pharmacokinet 2005;44:1051, equations for men and women): James's
formula, which older scanners use, falls again with weight and makes SUL too low in obese patients (Tahari
et al., J Nucl Med 2014;55:1481, who advise Janmahasatian's). Both are for adults.
"""

from __future__ import annotations

LEAN_FORMULA = "lean body mass after Janmahasatian 2005"
SURFACE_FORMULA = "body surface area after Du Bois 1916"


def lean_body_mass(weight: float, height: float, sex: str) -> float:
    """Lean body mass, kg, of a ``weight`` in kg, ``height`` in m, and ``sex`` ``F`` or ``M``."""
    bmi = weight / height**2
    return 9270 * weight / (6680 + 216 * bmi) if sex == "M" else 9270 * weight / (8780 + 244 * bmi)


def body_surface_area(weight: float, height: float) -> float:
    """Body surface area, m2, of kg and m (Du Bois and Du Bois, Arch Intern Med 1916;17:863)."""
    return 0.007184 * weight**0.425 * (100 * height) ** 0.725


def lean_factor(weight: float | None, height: float | None, sex: str | None) -> float | None:
    """SUL over SUV by body weight, or None where weight, height or sex is unknown."""
    if not weight or not height or sex not in ("F", "M"):
        return None
    return lean_body_mass(weight, height, sex) / weight


def surface_factor(weight: float | None, height: float | None) -> float | None:
    """SUV by surface area (cm2/ml) over SUV by body weight (g/ml), or None where weight or height is unknown."""
    if not weight or not height:
        return None
    return 1e4 * body_surface_area(weight, height) / (1000 * weight)
