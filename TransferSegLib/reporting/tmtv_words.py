"""The words of a TMTV report, in English and in French."""

from __future__ import annotations

from ..errors import UsageError

LANGUAGES = ("en", "fr")

# id: (English, French)
_WORDS: dict[str, tuple[str, str]] = {
    "title": ("TMTV report", "Compte rendu TMTV"),
    "patient": ("Patient", "Patient"),
    "tmtv": ("TMTV", "TMTV"),
    "tlg": ("TLG", "TLG"),
    "suv_max": ("SUVmax", "SUVmax"),
    "count": ("Lesions", "Lésions"),
    "dmax_centroid": ("Dmax, centroids", "Dmax, centroïdes"),
    "dmax_voxel": ("Dmax, voxels", "Dmax, voxels"),
    "unthresholded": ("TMTV not thresholded", "TMTV non seuillé"),
    "notes": ("To know", "À savoir"),
    "pictures": ("Projections", "Projections"),
    "picture_caption": (
        "Maximum intensity projections, SUV 0 (white) to {top} (black); the patient's right is on the left of the "
        "frontal view. Lesions are outlined and numbered as in the table{apart}.",
        "Projections d'intensité maximale, SUV 0 (blanc) à {top} (noir) ; la droite du patient est à gauche de la vue "
        "de face. Les lésions sont détourées et numérotées comme dans le tableau{apart}.",
    ),
    "picture_apart": (
        "; uptake held for physiological is dashed, and not part of the totals",
        " ; les fixations jugées physiologiques sont en tirets et hors des totaux",
    ),
    "errors_caption": (
        "Prediction against the reference, both at {threshold}: green in both (TP), blue missed (FN), orange "
        "predicted only (FP); where they lie behind each other, errors are drawn on top.",
        "Prédiction et référence, toutes deux à {threshold} : vert dans les deux (TP), bleu manqué (FN), orange "
        "seulement prédit (FP) ; là où elles se superposent, les erreurs sont dessinées au-dessus.",
    ),
    "frontal": ("frontal", "face"),
    "lateral": ("lateral", "profil"),
    "lesions": ("Lesions", "Lésions"),
    "no_lesions": ("No lesion: the TMTV is 0 ml.", "Aucune lésion : le TMTV est de 0 ml."),
    "number": ("No.", "N°"),
    "volume": ("volume ml", "volume ml"),
    "suv_mean": ("SUVmean", "SUVmoyen"),
    "suv_peak": ("SUVpeak", "SUVpeak"),
    "centroid": ("centroid mm (LPS)", "centroïde mm (LPS)"),
    "total": ("total", "total"),
    "border": ("* touches the border of the image: it may go on beyond.", "* touche le bord de l'image : elle peut "
               "continuer au-delà."),
    "peak": ("SUVpeak: highest mean SUV of a sphere of 1 ml about a voxel of the lesion.",
             "SUVpeak : plus haute moyenne des SUV d'une sphère de 1 ml autour d'un voxel de la lésion."),
    "thresholds": ("Thresholds side by side", "Seuils côte à côte"),
    "rule": ("threshold", "seuil"),
    "physiological_ml": ("physiological ml", "physiologique ml"),
    "percent_rule": ("{rule} % of each lesion's SUVmax", "{rule} % du SUVmax de chaque lésion"),
    "percent_within": ("{rule} % of each lesion's SUVmax, within SUV >= 4.0 (cannot grow)",
                       "{rule} % du SUVmax de chaque lésion, dans les SUV >= 4.0 (ne peut s'étendre)"),
    "share_note": (
        "Without a model, a share of SUVmax is taken within the lesions of SUV >= 4.0: it can shrink them, never grow "
        "beyond SUV 4.0, so that it is not the usual 41 % contour.",
        "Sans modèle, une part du SUVmax est prise dans les lésions de SUV >= 4.0 : elle peut les réduire, jamais "
        "s'étendre au-delà de SUV 4.0 ; ce n'est donc pas le contour à 41 % habituel.",
    ),
    "suspected": (
        "of which {ml} ml in {count} may be physiological ({organs}); without them {rest} ml",
        "dont {ml} ml dans {count} peut-être physiologiques ({organs}) ; sans elles {rest} ml",
    ),
    "suspected_page": ("TMTV {all} ml, {part}.", "TMTV {all} ml, {part}."),
    "suspected_move": ("To put all of them apart: {options}", "Pour les mettre toutes à part : {options}"),
    "tiny": ("{tiny} of {count} lesions are below {ml} ml ({sum} ml together): --minimum-ml {ml} counts them apart.",
             "{tiny} des {count} lésions font moins de {ml} ml ({sum} ml ensemble) : --minimum-ml {ml} les compte à "
             "part."),
    "reading_rule": (
        "reading rule (SUV >= 4.0, lesions of at least 3 ml)",
        "règle de lecture (SUV >= 4.0, lésions d'au moins 3 ml)",
    ),
    "reading_short": ("SUV 4, 3 ml", "SUV 4, 3 ml"),
    "truth_minimum": (
        "The least volume of {minimum} ml is applied to the reference too.",
        "Le volume minimal de {minimum} ml est appliqué aussi à la référence.",
    ),
    "errors_rule": ("threshold of the errors", "seuil des erreurs"),
    "minimum": ("least volume of a lesion ml", "volume minimal d'une lésion ml"),
    "approach2_by": ("approach 2 by", "approche 2 selon"),
    "not_in_font": (
        "The font of this PDF lacks some characters of a name, shown as {sign}; the HTML page has them.",
        "La police de ce PDF n'a pas certains caractères d'un nom, remplacés par {sign} ; la page HTML les a.",
    ),
    "no_rule": ("none", "aucun"),
    "headline": ("(this report)", "(ce compte rendu)"),
    "physiological": ("Physiological uptake, apart", "Fixations physiologiques, à part"),
    "organ": ("named", "nommée"),
    "by": ("by", "par"),
    "by_rule": ("rule", "règle"),
    "by_user": ("user", "utilisateur"),
    "no_physiological": ("Nothing was held for physiological.", "Aucune fixation n'a été jugée physiologique."),
    "rule_of_organs": ("The rule by which physiological uptake is told",
                       "La règle qui désigne les fixations physiologiques"),
    "rule_at_end": ("The rule by which it is told stands at the end.",
                    "La règle qui les désigne figure à la fin."),
    "no_rule_of_organs": ("No rule was applied: what is physiological, the user says.",
                          "Aucune règle n'a été appliquée : l'utilisateur dit ce qui est physiologique."),
    "below": ("{count} lesions below {minimum} ml, {ml} ml together, are not counted.",
              "{count} lésions de moins de {minimum} ml, {ml} ml ensemble, ne sont pas comptées."),
    "brain": ("brain", "cerveau"),
    "bladder": ("bladder", "vessie"),
    "kidney": ("kidney", "rein"),
    "heart": ("heart", "cœur"),
    "other": ("physiological", "physiologique"),
    "suv": ("SUV", "SUV"),
    "unit_suv": ("The PET holds SUV (body weight) already, stated by {by}.",
                 "La TEP contient déjà des SUV (poids corporel), indiqué par {by}."),
    "unit_bqml": ("The PET holds Bq/ml, stated by {by}; 1 Bq/ml is SUVbw {factor}.",
                  "La TEP contient des Bq/ml, indiqué par {by} ; 1 Bq/ml vaut SUVbw {factor}."),
    "unit_cnts": ("The PET holds counts, stated by {by}; 1 count is SUVbw {factor}.",
                  "La TEP contient des coups, indiqué par {by} ; 1 coup vaut SUVbw {factor}."),
    "by_node": ("the volume node in Slicer", "le nœud de volume dans Slicer"),
    "by_DICOM": ("its DICOM header", "son en-tête DICOM"),
    "by_sidecar": ("the sidecar file", "le fichier annexe"),
    "by_user_unit": ("the user, not by the file", "l'utilisateur, non par le fichier"),
    "by_header": ("the file's header", "l'en-tête du fichier"),
    "quantity": ("quantity", "grandeur"),
    "value": ("value", "valeur"),
    "source": ("from", "source"),
    "segmentation": ("segmentation", "segmentation"),
    "unit_by": ("unit stated by", "unité indiquée par"),
    "by_hand": ("entered by hand", "saisi à la main"),
    "lean": ("SUV times {factor} is SUL ({formula}).", "SUV fois {factor} = SUL ({formula})."),
    "bsa": ("SUV times {factor} is SUV by body surface area, cm2/ml ({formula}).",
            "SUV fois {factor} = SUV par surface corporelle, cm2/ml ({formula})."),
    "uptake": ("From injection to the moment of the values: {minutes} min.",
               "De l'injection au moment des valeurs : {minutes} min."),
    "errors": ("Against the reference", "Par rapport à la référence"),
    "measure": ("measure", "mesure"),
    "matching": ("Lesions found, by criterion", "Lésions trouvées, selon le critère"),
    "criterion": ("criterion", "critère"),
    "approach1": ("approach 1: any overlap", "approche 1 : tout recouvrement"),
    "approach2": ("approach 2: precision of the predicted lesion >= {x}",
                  "approche 2 : précision de la lésion prédite >= {x}"),
    "approach2_dice": ("approach 2: Dice of the two lesions >= {x}", "approche 2 : Dice des deux lésions >= {x}"),
    "suvmax_voxel": ("the voxel of the true lesion's SUVmax is predicted",
                     "le voxel du SUVmax de la lésion vraie est prédit"),
    "dice_raw": ("Dice of the masks as they are (not thresholded)",
                 "Dice des masques tels quels (non seuillés)"),
    "true_raw": ("Whole reference (not thresholded) ml", "Référence entière (non seuillée) ml"),
    "both_at": ("both at {threshold}; the whole reference has {whole} ml, of which {counted} ml count",
                "les deux à {threshold} ; la référence entière a {whole} ml, dont {counted} ml comptent"),
    "figures_at": ("Dice, precision, recall and distances compare {both}.",
                   "Dice, précision, recall et distances comparent {both}."),
    "tp": ("found (TP)", "trouvées (TP)"),
    "fn": ("missed (FN)", "manquées (FN)"),
    "fp": ("false (FP)", "fausses (FP)"),
    "hd95": ("HD95 mm", "HD95 mm"),
    "fpv": ("FPV (autoPET): predicted lesions without any overlap, ml",
            "FPV (autoPET) : lésions prédites sans recouvrement, ml"),
    "fnv": ("FNV (autoPET): true lesions without any overlap, ml",
            "FNV (autoPET) : lésions vraies sans recouvrement, ml"),
    "method": ("How", "Méthode"),
    "by_threshold": ("Fixed threshold on the PET, SUV >= {rule}; no model.",
                     "Seuil fixe sur la TEP, SUV >= {rule} ; sans modèle."),
    "by_reading": ("On the PET by the {rule}; no model.", "Sur la TEP, par la {rule} ; sans modèle."),
    "by_percent": ("{rule} % of the SUVmax of each focus of SUV >= 4.0 on the PET; no model.",
                   "{rule} % du SUVmax de chaque foyer de SUV >= 4.0 sur la TEP ; sans modèle."),
    "by_model": ("Model {name}, then {threshold}.", "Modèle {name}, puis {threshold}."),
    "by_mask": ("Existing segmentation {name}, then {threshold}.", "Segmentation existante {name}, puis {threshold}."),
    "then_none": ("no threshold", "sans seuil"),
    "then_fixed": ("SUV >= {rule}", "SUV >= {rule}"),
    "method_lesions": (
        "Lesions are 18-connected components. Volume: voxels times voxel volume; TLG: sum of SUV times volume; Dmax: "
        "greatest distance between two lesions' centroids, and between two voxels of lesions.",
        "Les lésions sont des composantes 18-connexes. Volume : voxels fois volume du voxel ; TLG : somme des SUV fois "
        "volume ; Dmax : plus grande distance entre deux centroïdes de lésions, et entre deux voxels de lésions.",
    ),
    "moved": ("Moved by the user: {moves}.", "Déplacé par l'utilisateur : {moves}."),
    "files": ("PET: {pet}. CT: {ct}. Reference: {truth}.", "TEP : {pet}. TDM : {ct}. Référence : {truth}."),
    "none_given": ("none", "aucune"),
    "no_truth": ("No reference segmentation was given: fields that need one are left out.",
                 "Pas de segmentation de référence : les champs qui en dépendent sont omis."),
    "made_by": ("TransferSeg {version}, {date}. Not a medical device, for research.",
                "TransferSeg {version}, {date}. Pas un dispositif médical, pour la recherche."),
}  # fmt: skip


class Words:
    """The words of one language, looked up by their short names."""

    def __init__(self, language: str = "en") -> None:
        if language not in LANGUAGES:
            raise UsageError(f"--lang {language}: unknown; choose one of {', '.join(LANGUAGES)}")
        self.language = language
        self._column = LANGUAGES.index(language)

    def __call__(self, name: str, /, **values: object) -> str:
        """The words called ``name``, their gaps filled in."""
        text = _WORDS[name][self._column]
        return text.format(**values) if values else text

    def pick(self, english: str, french: str) -> str:
        """Whichever of two texts is of this language."""
        return (english, french)[self._column]

    def organ(self, name: str) -> str:
        """The name of a physiological uptake; one that the user named (``other:TEXT``) is called so."""
        return self(name) if name in ("brain", "bladder", "kidney", "heart", "other") else name.removeprefix("other:")

    @property
    def colon(self) -> str:
        """What stands between a name and its value; French puts a space before the colon."""
        return self.pick(": ", " : ")
