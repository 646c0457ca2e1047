"""What a student is taught by: its teacher's probabilities and the places where the teacher's maps are large.

Prediction maps follow Hinton et al. (2015), importance maps attention transfer (Zagoruyko & Komodakis 2017), both as
EMKD puts them together for segmentation (Qin et al. 2021); methods.md, section 3.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import UsageError
from ..networks import side_of_group

if TYPE_CHECKING:
    from torch import Tensor

# KL(teacher || student), and the other way round, as the source writes it.
DIRECTIONS = ("teacher", "student")
EXPONENTS = (2, 4)
# ``norm``: the 2-norm of the difference of the normalised maps, times a half (EMKD); ``mean``: its mean square
# (Zagoruyko's code, whose weight is 1000).
FORMS = ("norm", "mean")


@dataclass(frozen=True)
class Distillation:
    """How much of the teacher a student's loss takes.

    Parameters
    ----------
    prediction : float
        Weight of the prediction maps; 0 leaves them out.
    importance : float
        Weight of the importance maps (beta), whose distances are averaged over the pairs; 0 leaves them out.
    temperature : float
        What logits are divided by before they are compared.
    direction : {"teacher", "student"}
        ``teacher``: KL(teacher || student) times temperature squared; ``student``: KL(student || teacher).
    exponent : {2, 4}
        Power of the activations that are summed over the channels.
    form : {"norm", "mean"}
        How the difference of two importance maps is measured.
    """

    prediction: float = 0.1
    importance: float = 0.9
    temperature: float = 4.0
    direction: str = "teacher"
    exponent: int = 2
    form: str = "norm"

    def check(self) -> None:
        """Refuse values that mean nothing (``UsageError``)."""
        for option, value, known in (
            ("--direction", self.direction, DIRECTIONS),
            ("--exponent", self.exponent, EXPONENTS),
            ("--importance-form", self.form, FORMS),
        ):
            if value not in known:
                raise UsageError(f"{option} {value}: unknown; choose one of {', '.join(map(str, known))}")
        weights = self.prediction, self.importance
        if not all(0 <= weight < math.inf for weight in weights) or not any(weights):
            raise UsageError("--prediction and --importance: give weights of 0 or more, one of them above 0")
        if not 0 < self.temperature < math.inf:
            raise UsageError(f"--temperature {self.temperature:g}: must be above 0")

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types."""
        return dict(vars(self))


def prediction_map_loss(
    student: Tensor, teacher: Tensor, *, temperature: float = 4.0, direction: str = "teacher"
) -> Tensor:
    """Divergence of the softened class probabilities, mean over samples and voxels.

    KL(teacher || student) times temperature^2 (Hinton et al. 2015, section 2), or KL(student || teacher) without a
    factor, as the source has it. A sigmoid channel z stands as two classes with the logits (0, z): its softmax is the
    Bernoulli distribution (1 - p, p), whose softened logarithms are logsigmoid(-z / T) and logsigmoid(z / T).

    Parameters
    ----------
    student, teacher : tensor (B, C, k, j, i)
        Logits over the same classes.
    """
    first, second = (teacher, student) if direction == "teacher" else (student, teacher)
    log_first, log_second = ((part.float() / temperature).log_softmax(1) for part in (first, second))
    divergence = (log_first.exp() * (log_first - log_second)).sum(1).mean()
    return divergence * temperature**2 if direction == "teacher" else divergence


def importance_map(block: Tensor, *, exponent: int = 2) -> Tensor:
    """Sum over the channels of |A|^p (Zagoruyko & Komodakis 2017, section 3.1), not normalised.

    Parameters
    ----------
    block : tensor (B, C, ...)
    exponent : int
        2, or 4 as in EMKD.

    Returns
    -------
    tensor (B, ...) float32
    """
    return block.float().abs().pow(exponent).sum(1)


def normalised(maps: Tensor) -> Tensor:
    """Each sample's map (B, ...) over its 2-norm; a map of zeros stays one."""
    flat = maps.flatten(1)
    return (flat / flat.norm(dim=1, keepdim=True).clamp_min(1e-12)).view_as(maps)


def importance_map_loss(student: Tensor, teacher: Tensor, *, form: str = "norm") -> Tensor:
    """Distance of two importance maps (B, ...) of one size, normalised per sample, mean over samples.

    ``norm``: half the 2-norm of the difference (Zagoruyko & Komodakis 2017, equation 2 with beta = 1);
    ``mean``: the mean square of it, as their code has it.
    """
    difference = (normalised(student) - normalised(teacher)).flatten(1)
    if form == "mean":
        return difference.square().mean()
    # The root has no slope at 0: a student that equals its teacher must not get NaN.
    return difference.square().sum(1).add(1e-12).sqrt().mean() / 2


def paired_blocks(student: Mapping[str, float], teacher: Mapping[str, float]) -> tuple[tuple[str, str], ...]:
    """(student's group, teacher's group) of blocks with equal resolution on the same side, the last of each.

    Both are given as group to resolution, the last size of its maps over that of the input, in the order in which the
    blocks run.
    """
    ours, theirs = ({(side_of_group(g), round(1 / r)): g for g, r in blocks.items()} for blocks in (student, teacher))
    return tuple((group, theirs[place]) for place, group in ours.items() if place in theirs)
