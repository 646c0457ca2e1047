"""RL teacher: a bandit (Exp3.S) over buckets of difficulty finds what most is learned from (Graves et al. 2017)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..plan import TrainingPlan
from ..windows import Windows
from .curriculum import Curriculum, Judge, buckets

BUCKETS = 5
# Percentiles of the rewards so far that become -1 and 1.
PERCENTILES = (20, 80)


class Exp3S:
    """The adversarial bandit Exp3.S (Auer et al. 2002) in the form of Graves et al. 2017; state in plain lists.

    Parameters
    ----------
    arms : int
    eta, beta, epsilon : float
        Step size, a bias that every arm's reward gets, the share of random choices.

    The share of a weight that is given to the other arms falls as alpha_t = 1 / t.
    """

    def __init__(self, arms: int, *, seed: int, eta: float = 1e-3, beta: float = 0.0, epsilon: float = 0.05) -> None:
        self.eta, self.beta, self.epsilon = eta, beta, epsilon
        self.weights = [0.0] * arms
        self.gains: list[float] = []
        self._seed = seed

    @property
    def policy(self) -> np.ndarray:
        """(arms,) the probability of each arm: (1 - eps) softmax(weights) + eps / arms."""
        weights = np.exp(np.subtract(self.weights, max(self.weights)))
        return (1 - self.epsilon) * weights / weights.sum() + self.epsilon / len(self.weights)

    def draw(self, step: int) -> tuple[int, float]:
        """The arm for a step and how probable it was; the same for the same step, seed and policy."""
        policy = self.policy
        arm = int(np.random.default_rng([self._seed, step, 17]).choice(len(policy), p=policy))
        return arm, float(policy[arm])

    def learn(self, arm: int, probability: float, gain: float) -> None:
        """An arm gave a gain (any unit: it is scaled by the gains so far)."""
        self.gains.append(float(gain))
        reward, count = scaled(self.gains), len(self.weights)
        estimate = np.full(count, self.beta)
        estimate[arm] += reward
        estimate[arm] /= probability
        if self.beta:
            others = np.arange(count) != arm
            estimate[others] /= self.policy[others]
        if count == 1:
            return
        share = 1 / len(self.gains)
        raised = np.asarray(self.weights) + self.eta * estimate
        top = raised.max()
        powers = np.exp(raised - top)
        mixed = (1 - share) * powers + share / (count - 1) * (powers.sum() - powers)
        self.weights = [float(w) for w in np.log(mixed) + top]


def scaled(gains: Sequence[float]) -> float:
    """The last gain in [-1, 1]: its place between the 20th and the 80th percentile of all so far."""
    low, high = np.percentile(gains, PERCENTILES)
    if high <= low:
        return 0.0
    return float(np.clip(2 * (gains[-1] - low) / (high - low) - 1, -1, 1))


class RlTeacher(Curriculum):
    """Each step's windows come from the bucket that the bandit draws; its reward is the prediction gain.

    The prediction gain is what the batch costs before the step less what it costs after it. Graves divides it by the
    time that the task takes; windows are all of one size here, so that the time is the same and cancels.

    Parameters
    ----------
    order : sequence of int
        Places of the cases, the easiest first; cut into five buckets.
    """

    def __init__(
        self, windows: Windows, plan: TrainingPlan, *, order: Sequence[int], count: int = BUCKETS, **bandit: float
    ) -> None:
        super().__init__(windows, plan)
        self._buckets = buckets(order, count)
        self.bandit = Exp3S(len(self._buckets), seed=plan.seed, **bandit)
        self._drawn: dict[int, tuple[int, float]] = {}

    def among(self, step: int, judge: Judge) -> Sequence[int]:
        self._drawn[step] = self.bandit.draw(step)
        return self._buckets[self._drawn[step][0]]

    def observe(self, step: int, loss: float, again: Callable[[], float]) -> None:
        gain = loss - again()
        self.bandit.learn(*self._drawn.pop(step), gain)

    def facts(self) -> dict[str, Any]:
        bandit = self.bandit
        return {"buckets": len(self._buckets), "eta": bandit.eta, "beta": bandit.beta, "epsilon": bandit.epsilon}

    def state(self) -> dict[str, Any]:
        drawn = {step: [arm, probability] for step, (arm, probability) in self._drawn.items()}
        return super().state() | {
            "drawn": drawn,
            "weights": list(self.bandit.weights),
            "gains": list(self.bandit.gains),
        }

    def restore(self, state: dict[str, Any]) -> None:
        super().restore(state)
        self._drawn = {int(step): (int(arm), float(p)) for step, (arm, p) in state["drawn"].items()}
        self.bandit.weights, self.bandit.gains = list(state["weights"]), list(state["gains"])
