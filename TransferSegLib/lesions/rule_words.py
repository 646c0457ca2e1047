"""The rule by which uptake is named physiological, in words for the report."""

from __future__ import annotations

_RULE = {
    "en": (
        "Nothing is named unless the PET shows a whole body (at least 350 mm long, the neck and the place where the "
        "legs part by the outline of the body; where the legs are not seen to part, a CT is needed).",
        "brain: above the neck, across or mirrored at the middle line, at least 40 ml (10 ml where the image ends "
        "through it, and it is 80 mm wide); else it comes to within 32 mm of the skin over at least 130 degrees about "
        "the middle of the head; no piece of it of 4 ml or more is 1.6 times as hot as the rest; with a CT, bone "
        "lies around it.",
        "bladder: within 25 mm of the middle line, in the lowest quarter of the trunk, not at the back, compact, 5 to "
        "900 ml; with a CT the middle of its hot core, 9 mm below the surface, has the density of water or of excreted "
        "contrast; without, SUVmax is 40 or more, with at least 15 ml above half of it.",
        "kidney: only with a CT that shows both kidneys: warm soft-tissue organs of a kidney's size and shape beside "
        "the middle line, at a similar height, with fat beside them, whose uptake is moderate (median SUV at most 4) "
        "but for hot pieces of at most 15 ml (urine); what lies within them is named. A larger mass stays a lesion.",
        "heart: left of the middle line in the front of the chest, 25 to 500 ml, a cup or ring around a cooler middle, "
        "nowhere thicker than 30 mm, and only one such; with a CT, between the lungs.",
        "What fits only in part keeps its place among the lesions and is counted; where it lies as one of these organs "
        "would, a note says so, for you to look and move it.",
    ),
    "fr": (
        "Rien n'est nommé si la TEP ne montre pas un corps entier (350 mm au moins, le cou et la séparation des "
        "jambes reconnus au contour du corps ; sans cette dernière, il faut un scanner).",
        "cerveau : au-dessus du cou, à cheval sur la ligne médiane ou symétrique, 40 ml au moins (10 ml si l'image "
        "s'y arrête, sur 80 mm de large) ; sinon à moins de 32 mm de la peau sur 130 degrés au moins autour du milieu "
        "de la tête ; sans foyer de 4 ml ou plus 1,6 fois plus actif que le reste ; avec un scanner, entouré d'os.",
        "vessie : à moins de 25 mm de la ligne médiane, dans le quart inférieur du tronc, pas en arrière, compacte, "
        "5 à 900 ml ; avec un scanner, son centre, à 9 mm sous la surface, a la densité de l'eau ou du contraste "
        "excrété ; sans, SUVmax de 40 au moins, dont 15 ml au moins au-dessus de la moitié.",
        "rein : seulement avec un scanner qui montre les deux reins : organes de tissu mou fixant, de taille et de "
        "forme rénales, de part et d'autre de la ligne médiane, à hauteur semblable, bordés de graisse, de fixation "
        "modérée (SUV médiane de 4 au plus) hormis des foyers de 15 ml au plus (urine) ; ce qui s'y trouve est nommé. "
        "Une masse active plus grande reste une lésion.",
        "cœur : à gauche de la ligne médiane, à l'avant du thorax, 25 à 500 ml, coupe ou anneau autour d'un centre "
        "moins actif, d'une épaisseur de 30 mm au plus, et un seul ; avec un scanner, entre les poumons.",
        "Ce qui ne correspond qu'en partie reste parmi les lésions et compte ; à la place d'un de ces organes, "
        "une note le dit, pour que vous regardiez et le déplaciez.",
    ),
}


def rule_in_words(lang: str = "en") -> tuple[str, ...]:
    """The rule by which uptake is named physiological, a sentence each, for the report (``en`` or ``fr``)."""
    return _RULE.get(lang, _RULE["en"])
