"""What session-level PPO is set to. The defaults are the published ones where one is published."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class PpoSettings:
    """Hyperparameters of `train ppo`.

    Published (arXiv 2501.10120 and its code, as design.md has them): everything down to `frozen_updates`. Ours: the
    rest. An episode is one question with its search session and the expand sessions that follow from it; an update is
    one round of `questions` episodes, learned from `epochs` times. `reward_on` "opening" puts an action's reward on its
    own `[`, as design.md has it: then no token of what it asks for is ever rewarded for it, so the default puts it on
    the `[` with which the action is complete.
    """

    episodes: int = 16_000
    learning_rate: float = 1e-6
    epochs: int = 2
    gain: float = 1.5
    cost: float = 0.1
    lowest_reward: float = -0.1
    highest_reward: float = 5.0
    gamma1: float = 0.1
    valued_papers: int = 5
    gamma: float = 1.0
    lam: float = 0.95
    kl: float = 0.1
    clip: float = 0.2
    value_clip: float = 0.2
    value_weight: float = 10.0
    search_queries: int = 5
    search_papers: int = 10
    expand_rounds: int = 2
    expand_papers: int = 6
    frozen_updates: int = 50
    reward_on: Literal["closing", "opening"] = "closing"
    questions: int = 32
    minibatches: int = 1
    temperature: float = 1.0
    max_tokens: int = 512
    max_prompt_tokens: int = 1_024
    batch_tokens: int = 16_384
    rollout_batch: int = 256
    grad_norm: float = 1.0
    save_every: int = 50
    eval_every: int = 10
    kept_checkpoints: int = 2
    value_model: bool = True
    seed: int = 0

    @property
    def updates(self) -> int:
        """Rounds until all episodes are done."""
        return -(-self.episodes // self.questions)
