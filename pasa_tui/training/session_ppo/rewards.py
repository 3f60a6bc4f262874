"""Rewards of actions, and where in an answer they stand."""

from collections.abc import Mapping, Sequence

from pasa_tui.training.session_ppo.episodes import Session, TakenAction
from pasa_tui.training.session_ppo.settings import PpoSettings


def action_reward(action: TakenAction, settings: PpoSettings) -> float:
    """What an action earns by itself (arXiv 2501.10120, equation 1): its new papers' worth less its cost, clipped.

    A stop gives the cost back: it costs nothing to end, and something to go on.
    """
    if action.mark.kind == "stop":
        return settings.cost
    return min(settings.highest_reward, max(settings.lowest_reward, settings.gain * action.hits - settings.cost))


def future_value(values: Sequence[float], settings: PpoSettings) -> float:
    """What the sessions that an action may start are worth to it: gamma1 times the estimates of its new papers."""
    return settings.gamma1 * sum(values[: settings.valued_papers])


def token_rewards(session: Session, future: Mapping[int, float], settings: PpoSettings) -> list[float]:
    """The reward of each token of an answer, without KL: each action's on a token with a `[`.

    That is its own `[`, or the `[` with which it is complete (`settings.reward_on`): what stands between the two is
    what the action asks for, and learns from the reward only where it comes after.

    `future` gives by the place of an action in `session.actions` what `future_value` says of it.
    """
    rewards = [0.0] * len(session.answer)
    for place, action in enumerate(session.actions):
        token = action.mark.opens if settings.reward_on == "opening" else action.mark.closes
        rewards[token] += action_reward(action, settings) + future.get(place, 0.0)
    return rewards
