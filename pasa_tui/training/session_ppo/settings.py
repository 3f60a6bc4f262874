"""What session-level PPO is set to. The defaults are the published ones where one is published."""

from dataclasses import dataclass, fields
from typing import Annotated, Literal

from pasa_tui.errors import TrainingError

_MAY_BE_ZERO = frozenset(
    "cost gamma1 valued_papers kl value_weight expand_rounds frozen_updates seed lora lam gamma eval_every".split()
)
_MAY_BE_NEGATIVE = frozenset({"lowest_reward"})


@dataclass(frozen=True, slots=True)
class PpoSettings:
    """Hyperparameters of `train ppo`, each with what it is.

    Published (arXiv 2501.10120 and its code, as design.md has them): everything down to `frozen_updates`. Ours: the
    rest. Raises TrainingError for values that make no sense.
    """

    episodes: Annotated[int, "Questions to learn from, each with its search session and expand sessions."] = 16_000
    learning_rate: Annotated[float, "Of AdamW, for policy and value model."] = 1e-6
    epochs: Annotated[int, "Times that the sessions of an update are learned from."] = 2
    gain: Annotated[float, "Reward of a new paper that is an answer or that the Selector takes."] = 1.5
    cost: Annotated[float, "Of each search and expansion; a stop gets it back."] = 0.1
    lowest_reward: Annotated[float, "An action's reward is clipped to this from below."] = -0.1
    highest_reward: Annotated[float, "An action's reward is clipped to this from above."] = 5.0
    gamma1: Annotated[float, "Share of the value of newly found papers' sessions; 0 leaves it out."] = 0.1
    valued_papers: Annotated[int, "New papers per action whose sessions are valued."] = 5
    gamma: Annotated[float, "Discount within a session."] = 1.0
    lam: Annotated[float, "Lambda of the generalised advantage estimates."] = 0.95
    kl: Annotated[float, "Weight of the KL penalty to the SFT policy, per token."] = 0.1
    clip: Annotated[float, "Of the policy's ratio."] = 0.2
    value_clip: Annotated[float, "Of the value's change."] = 0.2
    value_weight: Annotated[float, "Of the value loss."] = 10.0
    search_queries: Annotated[int, "Searches that a search session may make."] = 5
    search_papers: Annotated[int, "Results of a search."] = 10
    expand_rounds: Annotated[int, "Rounds of expand sessions after the search session."] = 2
    expand_papers: Annotated[int, "Papers of a question that are expanded in each round, the best first."] = 6
    frozen_updates: Annotated[int, "First updates in which the value model alone learns."] = 50
    reward_on: Annotated[
        Literal["closing", "opening"],
        "The `[` that an action's reward is put on: the one with which it is complete, or its own (as published).",
    ] = "closing"
    questions: Annotated[int, "Episodes of an update, over all processes."] = 32
    minibatches: Annotated[int, "Steps per pass over an update's sessions."] = 1
    temperature: Annotated[float, "Of the sampling."] = 1.0
    max_tokens: Annotated[int, "Of an answer."] = 512
    max_prompt_tokens: Annotated[int, "Of a prompt; longer ones lose tokens from their middle."] = 1_024
    batch_tokens: Annotated[int, "Tokens, padding included, that go through a model at once when it learns."] = 16_384
    rollout_batch: Annotated[int, "Answers written at once."] = 256
    grad_norm: Annotated[float, "Gradients are clipped to this norm, each model's for itself."] = 1.0
    save_every: Annotated[int, "Updates between checkpoints."] = 50
    eval_every: Annotated[int, "Updates between looks at the held-out questions; 0: never."] = 10
    kept_checkpoints: Annotated[int, "Checkpoints that stay."] = 2
    value_model: Annotated[bool, "Learn a value model; without one the advantage is the reward still to come."] = True
    lora: Annotated[int, "Rank of LoRA adapters that learn over one set of weights; 0: whole models learn."] = 0
    lora_alpha: Annotated[int, "Scale of the adapters."] = 32
    seed: Annotated[int, "Of sampling and order."] = 0

    def __post_init__(self) -> None:
        """Look for values that make no sense."""
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, int | float) and not isinstance(value, bool):
                least_is_fine = value > 0 or (value == 0 and field.name in _MAY_BE_ZERO)
                if not (least_is_fine or field.name in _MAY_BE_NEGATIVE) or value != value:
                    name = field.name.replace("_", "-")
                    raise TrainingError(f"--{name} can't be {value:g}.", f"The default is {field.default:g}.")

    @property
    def updates(self) -> int:
        """Rounds until all episodes are done."""
        return -(-self.episodes // self.questions)
