"""Figures of rounds of episodes, over all processes."""

from collections.abc import Sequence

from pasa_tui.training.session_ppo.environment import Question
from pasa_tui.training.session_ppo.episodes import Episode, EpisodeRunner
from pasa_tui.training.session_ppo.learner import Experience
from pasa_tui.training.session_ppo.processes import Processes
from pasa_tui.training.session_ppo.rewards import action_reward
from pasa_tui.training.session_ppo.settings import PpoSettings


def measures(
    episodes: Sequence[Episode], settings: PpoSettings, processes: Processes, experience: Experience
) -> dict[str, float]:
    """Figures of a round: means over all processes' episodes, sessions or tokens."""
    sessions = [session for episode in episodes for session in episode.sessions]
    actions = [action for session in sessions for action in session.actions]
    kinds = [action.mark.kind for action in actions]
    reward = sum(action_reward(action, settings) for action in actions)
    kl = float((experience.logprobs - experience.reference).sum())
    returns, error = experience.returns, experience.returns - experience.values
    sums = processes.sums(
        len(episodes),
        len(sessions),
        float(sum(experience.lengths)),
        reward,
        sum(episode.recall for episode in episodes),
        kinds.count("search"),
        kinds.count("expand"),
        kinds.count("stop"),
        sum(action.hits for action in actions),
        sum(len(episode.queue) for episode in episodes),
        kl,
        experience.entropy,
        float(returns.double().sum()),
        float((returns.double() ** 2).sum()),
        float((error.double() ** 2).sum()),
    )
    count, many, tokens = sums[0], max(1.0, sums[1]), max(1.0, sums[2])
    spread = sums[13] - sums[12] ** 2 / tokens
    return {
        "reward": sums[3] / count,
        "reward_per_session": sums[3] / many,
        "recall": sums[4] / count,
        "searches": sums[5] / count,
        "expansions": sums[6] / count,
        "stopped": sums[7] / many,
        "hits": sums[8] / count,
        "papers": sums[9] / count,
        "sessions": sums[1],
        "answer_tokens": tokens / many,
        "kl": sums[10] / many,
        "entropy": sums[11] / tokens,
        "returns": sums[12] / tokens,
        "value_explained": 1.0 - sums[14] / spread if spread > 0 else 0.0,
    }


async def evaluate(
    runner: EpisodeRunner, held_out: Sequence[Question], settings: PpoSettings, processes: Processes
) -> dict[str, float]:
    """Recall, reward and actions on held-out questions, as the runner writes."""
    mine = list(held_out)[processes.rank :: processes.count]
    episodes = await runner.run(mine) if mine else []
    actions = [action for episode in episodes for session in episode.sessions for action in session.actions]
    count, recall, reward, taken = processes.sums(
        len(episodes),
        sum(episode.recall for episode in episodes),
        sum(action_reward(action, settings) for action in actions),
        sum(action.mark.kind != "stop" for action in actions),
    )
    return {"dev_recall": recall / count, "dev_reward": reward / count, "dev_actions": taken / count}
