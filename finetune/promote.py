"""Whether an adapter may take another's place: proven on the same rows, and not worse. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from finetune.ability import ability_change
from finetune.evaluate import Ability, Run
from finetune.scores import difference

FEWEST_ROWS = 100
WORSE = 0.02
"""How much less the answers may be worth at the interval's lower end: rows are never enough."""
MUCH_WORSE = 0.05
"""How much one score may fall where the answers as a whole are worth more."""
LESS_ABLE = -0.05
"""Where the whole interval of the change in general ability lies below this, it fell. The items
are few: refusing by the interval's other end, or by the mean, would refuse by chance."""
_MUST_HOLD = {"f1": 1, "right_citation": 1, "right_refusals": 1, "unsupported": -1}


@dataclass(frozen=True, slots=True)
class Judgement:
    """Why an adapter may not serve; no reasons: it may. `gain`: what its answers are
    worth above the incumbent's."""

    reasons: tuple[str, ...]
    gain: dict[str, float]


def judge(candidate: Run, incumbent: Run, adapter: str) -> Judgement:
    """Compares a candidate with what serves now.

    Args:
        adapter: the beginning of the SHA-256 of the file that is to be promoted.
    """
    reasons = list(_unproven(candidate, incumbent, adapter))
    if reasons:
        return Judgement(tuple(reasons), {})
    gain = difference(candidate.answered, incumbent.answered)
    if gain["low"] < -WORSE or gain["value"] < 0:
        interval = f"95%: {gain['low']:+.3f} to {gain['high']:+.3f}"
        reasons.append(f"its answers are worth {gain['value']:+.3f} ({interval})")
    new, old = candidate.scores, incumbent.scores
    for name, sign in _MUST_HOLD.items():
        fall = sign * (old[name]["value"] - new[name]["value"])
        if old[name]["n"] and new[name]["n"] and fall > MUCH_WORSE:
            change = f"from {old[name]['value']:.3f} to {new[name]['value']:.3f}"
            reasons.append(f"{name.replace('_', ' ')} went {change}")
    reasons += _less_able(candidate, incumbent)
    return Judgement(tuple(reasons), gain)


def _less_able(candidate: Run, incumbent: Run) -> Sequence[str]:
    new, old = candidate.ability, incumbent.ability
    if not new or not old or not new.right or _asked(new) != _asked(old):
        return ["general ability was not measured on both alike (`finetune ability`)"]
    change = ability_change(new, old)
    if change["high"] >= LESS_ABLE:
        return []
    interval = f"95%: {change['low']:+.3f} to {change['high']:+.3f}"
    return [f"general ability fell by {-change['value']:.3f} ({interval})"]


def _asked(ability: Ability) -> tuple[str, set[str]]:
    return ability.test, set(ability.right)


def _unproven(candidate: Run, incumbent: Run, adapter: str) -> Sequence[str]:
    if adapter not in candidate.name:
        return [f"the evaluation is of {candidate.name}, not of {adapter}"]
    if candidate.test != incumbent.test:
        return ["it was measured on other rows than what serves now"]
    if len(candidate.answered) < FEWEST_ROWS:
        return [f"{len(candidate.answered)} rows prove nothing; at least {FEWEST_ROWS} are needed"]
    return []
