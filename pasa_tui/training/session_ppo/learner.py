"""The models that learn: what they think of finished sessions, and their steps."""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pasa_tui.errors import TrainingError
from pasa_tui.training.session_ppo.batches import Tokens, batches_of
from pasa_tui.training.session_ppo.losses import advantages_of, penalised, policy_loss, value_loss, whitened
from pasa_tui.training.session_ppo.models import answer_logprobs, answer_values
from pasa_tui.training.session_ppo.processes import Processes
from pasa_tui.training.session_ppo.settings import PpoSettings

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(slots=True)
class Models:
    """The policy, its SFT copy, the value model (None where it is off) and the optimizer of both that learn."""

    policy: Any
    reference: Any
    critic: Any | None
    optimizer: Any
    pad: int
    autocast: Callable[[], AbstractContextManager[Any]]


@dataclass(slots=True)
class Experience:
    """Sessions with what was thought of them when they were written; tensors `[N]` over all answer tokens."""

    sequences: Sequence[Tokens]
    logprobs: "Tensor"
    reference: "Tensor"
    values: "Tensor"
    advantages: "Tensor"
    returns: "Tensor"
    entropy: float

    @property
    def lengths(self) -> list[int]:
        """Answer tokens of each session."""
        return [len(one.answer) for one in self.sequences]


class Learner:
    """Takes sessions with their rewards, and makes steps of them; all processes together make the same ones."""

    def __init__(self, models: Models, settings: PpoSettings, processes: Processes) -> None:
        self.models = models
        self._settings = settings
        self._processes = processes

    def first_values(self, prompts: Sequence[Sequence[int]]) -> list[float]:
        """The value model's estimates for the states in which answers to these prompts would begin."""
        if self.models.critic is None or not prompts:
            return [0.0] * len(prompts)
        # The token written there does not matter: a state's value is that before it.
        values: list[float] = self._values([Tokens(prompt, (self.models.pad,)) for prompt in prompts]).tolist()
        return values

    def look_back(self, sequences: Sequence[Tokens], rewards: Sequence[Sequence[float]]) -> Experience:
        """What policy, SFT policy and value model say of finished sessions, and the advantages that follow.

        `rewards` has one number per answer token of each session, without KL.
        """
        import torch

        settings, models = self._settings, self.models
        logprobs, entropies = self._logprobs(models.policy, sequences, entropy=True)
        reference, _ = self._logprobs(models.reference, sequences)
        values = self._values(sequences) if models.critic is not None else torch.zeros_like(logprobs)
        given = torch.tensor([reward for session in rewards for reward in session], device=logprobs.device)
        lengths = [len(one.answer) for one in sequences]
        advantages = advantages_of(
            penalised(given, logprobs, reference, settings.kl),
            values,
            lengths,
            gamma=settings.gamma,
            lam=settings.lam if models.critic is not None else 1.0,
        )
        returns = advantages + values
        # On the CPU, since not every GPU has float64.
        exact = advantages.cpu().double()
        total, squares, count = self._processes.sums(float(exact.sum()), float((exact**2).sum()), float(len(exact)))
        exact = whitened(exact, torch.tensor(total), torch.tensor(squares), count)
        advantages = exact.float().to(advantages.device)
        return Experience(sequences, logprobs, reference, values, advantages, returns, float(entropies.sum()))

    def learn(self, experience: Experience, *, frozen: bool, seed: int) -> dict[str, float]:
        """Make the steps of one update; the policy makes none while `frozen`. Figures are means over all processes.

        Raises TrainingError, with the weights as they were, where a gradient is no number.
        """
        import torch

        settings, models = self._settings, self.models
        order = torch.Generator().manual_seed(seed)
        sums = torch.zeros(5, dtype=torch.float64)
        norms: list[tuple[float, float]] = []
        for _ in range(settings.epochs):
            places = torch.randperm(len(experience.sequences), generator=order).tolist()
            for part in range(settings.minibatches):
                norms.append(self._step(experience, places[part :: settings.minibatches], sums, frozen=frozen))
        models.optimizer.zero_grad(set_to_none=True)
        policy, value, clipped, value_clipped, tokens = self._processes.sums(*sums.tolist())
        return {
            "policy_loss": policy / max(1.0, tokens),
            "value_loss": value / max(1.0, tokens),
            "clip_fraction": clipped / max(1.0, tokens),
            "value_clip_fraction": value_clipped / max(1.0, tokens),
            "policy_grad_norm": sum(norm for norm, _ in norms) / len(norms),
            "value_grad_norm": sum(norm for _, norm in norms) / len(norms),
        }

    def _step(
        self, experience: Experience, places: Sequence[int], sums: "Tensor", *, frozen: bool
    ) -> tuple[float, float]:
        import torch

        settings, models = self._settings, self.models
        sequences = [experience.sequences[place] for place in places]
        (count,) = self._processes.sums(float(sum(len(one.answer) for one in sequences)))
        models.optimizer.zero_grad(set_to_none=True)
        for batch, chosen in self._batches(experience, places):
            advantages = experience.advantages[chosen]
            if not frozen:
                with models.autocast():
                    logprobs, _ = answer_logprobs(models.policy, batch, temperature=settings.temperature)
                old = experience.logprobs[chosen]
                loss, clipped = policy_loss(logprobs, old, advantages, clip=settings.clip, count=count)
                loss.backward()
                sums[0] += float(loss.detach()) * count
                sums[2] += float(clipped)
            if models.critic is not None:
                with models.autocast():
                    values = answer_values(models.critic, batch)
                before, returns = experience.values[chosen], experience.returns[chosen]
                error, clipped = value_loss(values, before, returns, clip=settings.value_clip, count=count)
                (settings.value_weight * error).backward()
                sums[1] += float(error.detach()) * count
                sums[3] += float(clipped)
            sums[4] += len(chosen)
        norms = []
        for model in (None if frozen else models.policy, models.critic):
            if model is None:
                norms.append(0.0)
                continue
            parameters = list(model.parameters())
            self._processes.add_gradients(parameters)
            norms.append(float(torch.nn.utils.clip_grad_norm_(parameters, settings.grad_norm)))
        if not all(map(math.isfinite, norms)):
            # The gradients are the same in all processes, so all end here.
            raise TrainingError(
                "A gradient is no number any more; the weights were not changed by it.",
                "Train again with a smaller --learning-rate or in --dtype float32. The last checkpoint is whole.",
            )
        models.optimizer.step()
        return norms[0], norms[1]

    def _batches(self, experience: Experience, places: Sequence[int]) -> "Iterator[tuple[Any, Tensor]]":
        """Batches of sessions, and where in the experience the tokens of each stand."""
        import torch

        starts = [0]
        for length in experience.lengths:
            starts.append(starts[-1] + length)
        sequences = [experience.sequences[place] for place in places]
        for batch in batches_of(sequences, self._settings.batch_tokens, self._processes.device, self.models.pad):
            chosen = [torch.arange(starts[places[member]], starts[places[member] + 1]) for member in batch.members]
            yield batch, torch.cat(chosen).to(self._processes.device)

    def _logprobs(self, model: Any, sequences: Sequence[Tokens], *, entropy: bool = False) -> "tuple[Tensor, Tensor]":
        def compute(batch: Any) -> "tuple[Tensor, Tensor]":
            return answer_logprobs(model, batch, temperature=self._settings.temperature, entropy=entropy)

        found, spread = self._in_order(sequences, compute)
        return found, spread

    def _values(self, sequences: Sequence[Tokens]) -> "Tensor":
        (values,) = self._in_order(sequences, lambda batch: (answer_values(self.models.critic, batch),))
        return values

    def _in_order(
        self, sequences: Sequence[Tokens], compute: "Callable[[Any], tuple[Tensor, ...]]"
    ) -> "tuple[Tensor, ...]":
        """What `compute` gives per answer token, of all sequences in their order."""
        import torch

        parts: list[tuple[Tensor, ...]] = [()] * len(sequences)
        with torch.no_grad(), self.models.autocast():
            for batch in batches_of(sequences, self._settings.batch_tokens, self._processes.device, self.models.pad):
                lengths = [len(sequences[member].answer) for member in batch.members]
                split = [values.float().split(lengths) for values in compute(batch)]
                for place, member in enumerate(batch.members):
                    parts[member] = tuple(values[place] for values in split)
        return tuple(torch.cat(values) for values in zip(*parts, strict=True))
