"""The numbers of the loss against a slow, independent reference in NumPy."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pasa_tui.errors import TrainingError
from pasa_tui.training.session_ppo.batches import Tokens, batches_of, group
from pasa_tui.training.session_ppo.checkpoints import Progress, save_checkpoint
from pasa_tui.training.session_ppo.episodes import Session, TakenAction
from pasa_tui.training.session_ppo.learner import Learner, Models
from pasa_tui.training.session_ppo.losses import advantages_of, policy_loss, value_loss, whitened
from pasa_tui.training.session_ppo.marks import Mark
from pasa_tui.training.session_ppo.models import answer_logprobs, answer_values, autocast, load_critic, load_policy
from pasa_tui.training.session_ppo.processes import Processes
from pasa_tui.training.session_ppo.rewards import future_value, token_rewards
from pasa_tui.training.session_ppo.settings import PpoSettings
from tests.helpers import paper
from tests.training import reference

SETTINGS = PpoSettings(minibatches=1, batch_tokens=200)
CLOSE = {"rtol": 1e-5, "atol": 1e-5}


def taken(kind: Any, opens: int, closes: int, hits: int, new: int = 0) -> TakenAction:
    return TakenAction(Mark(kind, "text", opens, closes), tuple(paper(number) for number in range(new)), hits)


@pytest.mark.parametrize("on", ["closing", "opening"])
def test_rewards_stand_on_brackets_and_are_clipped(on: Any) -> None:
    settings = replace(SETTINGS, reward_on=on)
    actions = [
        taken("search", 0, 4, 2, 7),
        taken("search", 4, 9, 9, 9),
        taken("search", 9, 12, 0),
        taken("stop", 12, 12, 0),
    ]
    estimates = {0: [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 1: [-1.0]}
    session = Session([1], None, 0, [7] * 14, actions)
    future = {place: future_value(values, settings) for place, values in estimates.items()}
    places = [(a.mark.closes if on == "closing" else a.mark.opens) for a in actions]
    wanted = reference.rewards(
        14,
        [
            (a.mark.kind, at, a.hits, estimates.get(n, []))
            for n, (a, at) in enumerate(zip(actions, places, strict=True))
        ],
        on,
    )
    np.testing.assert_allclose(token_rewards(session, future, settings), wanted, **CLOSE)
    assert wanted.max() == pytest.approx(5.0 - 0.1) and wanted.min() >= -0.1


rows = st.lists(st.lists(st.floats(-3, 3, width=32), min_size=1, max_size=9), min_size=1, max_size=5)


@given(rows, st.integers(0, 999), st.sampled_from([0.9, 1.0]), st.sampled_from([0.0, 0.95, 1.0]))
def test_gae_stays_within_sessions(given_rewards: list[list[float]], seed: int, gamma: float, lam: float) -> None:
    rng = np.random.default_rng(seed)
    lengths = [len(row) for row in given_rewards]
    values = [rng.normal(size=length) for length in lengths]
    found = advantages_of(
        torch.tensor(np.concatenate(given_rewards)), torch.tensor(np.concatenate(values)), lengths, gamma=gamma, lam=lam
    )
    wanted = np.concatenate(reference.gae([np.array(row) for row in given_rewards], values, gamma, lam))
    np.testing.assert_allclose(found.numpy(), wanted, **CLOSE)


@given(st.lists(st.floats(-5, 5), min_size=2, max_size=30), st.integers(0, 999))
def test_whitening_and_both_clips(numbers: list[float], seed: int) -> None:
    row = torch.tensor(numbers, dtype=torch.float64)
    found = whitened(row, row.sum(), (row**2).sum(), len(row))
    (wanted,) = reference.whiten([row.numpy()])
    if row.std() > 1e-3:
        np.testing.assert_allclose(found.numpy(), wanted, rtol=1e-4, atol=1e-5)
    rng = np.random.default_rng(seed)
    old, new, other = (rng.normal(size=len(row)) for _ in range(3))
    for ours, theirs in ((policy_loss, reference.policy_loss), (value_loss, reference.value_loss)):
        loss, clipped = ours(*map(torch.tensor, (new, old, other)), clip=0.2, count=len(row))
        wanted_loss, wanted_clipped = theirs(new, old, other, 0.2)
        np.testing.assert_allclose(float(loss), wanted_loss, **CLOSE)
        assert int(clipped) == wanted_clipped


@given(st.lists(st.integers(1, 40), min_size=1, max_size=30), st.integers(1, 100))
def test_batches_hold_everything_once_and_are_bounded(lengths: list[int], most: int) -> None:
    groups = list(group(lengths, most))
    assert sorted(place for members in groups for place in members) == list(range(len(lengths)))
    assert all(len(one) == 1 or len(one) * max(lengths[place] for place in one) <= most for one in groups)


def sequences(seed: int, count: int = 7) -> list[Tokens]:
    rng = np.random.default_rng(seed)
    return [
        Tokens(rng.integers(5, 250, rng.integers(3, 30)).tolist(), rng.integers(5, 250, rng.integers(1, 12)).tolist())
        for _ in range(count)
    ]


def models_of(policy: Path, *, seed: int = 0, rate: float = 1e-3) -> Models:
    torch.manual_seed(seed)
    device = torch.device("cpu")
    actor = load_policy(policy, device, attention="sdpa", checkpointing=False)
    sft = load_policy(policy, device, attention="sdpa", checkpointing=False)
    critic = load_critic(policy, device, attention="sdpa", checkpointing=False)
    torch.nn.init.normal_(critic.head.weight, std=0.05)
    with torch.no_grad():
        for parameter in actor.parameters():
            parameter += 0.01 * torch.randn_like(parameter)
    learning = [*actor.parameters(), *critic.parameters()]
    optimizer = torch.optim.AdamW(learning, lr=rate, weight_decay=0.0)
    return Models(actor, sft, critic, optimizer, 0, autocast(device, "float32"))


def slow_logprobs(model: Any, one: Tokens) -> Any:
    """Unpadded, all logits at once, in NumPy from there on."""
    ids = torch.tensor([[*one.prompt, *one.answer]])
    with torch.no_grad():
        logits = model(input_ids=ids).logits[0].double().numpy()
    scores = reference.log_softmax(logits)
    return np.array([scores[len(one.prompt) - 1 + at, token] for at, token in enumerate(one.answer)])


def test_log_probabilities_and_values_of_padded_batches_are_those_of_single_sequences(policy: Path) -> None:
    models, given_sequences = models_of(policy), sequences(1)
    (batch,) = batches_of(given_sequences, 10_000, "cpu", 0)
    found, entropy = answer_logprobs(models.policy, batch, temperature=1.0, entropy=True)
    wanted = np.concatenate([slow_logprobs(models.policy, given_sequences[at]) for at in batch.members])
    np.testing.assert_allclose(found.detach().numpy(), wanted, **CLOSE)
    assert (entropy > 0).all() and not entropy.requires_grad
    values = answer_values(models.critic, batch).detach().numpy()
    slow = []
    for at in batch.members:
        one = given_sequences[at]
        with torch.no_grad():
            hidden = models.critic.trunk(input_ids=torch.tensor([[*one.prompt, *one.answer]])).last_hidden_state[0]
            slow.append(models.critic.head(hidden)[len(one.prompt) - 1 : -1, 0].numpy())
    np.testing.assert_allclose(values, np.concatenate(slow), **CLOSE)


def test_an_update_is_that_of_the_reference(policy: Path) -> None:
    """Advantages, losses, clip fractions, and the gradients: those of the whole loss, differentiated by PyTorch."""
    models, given_sequences = models_of(policy), sequences(2)
    learner = Learner(models, SETTINGS, Processes(cpu=True))
    rng = np.random.default_rng(5)
    given_rewards = [rng.normal(size=len(one.answer)) * (rng.random(len(one.answer)) < 0.4) for one in given_sequences]
    experience = learner.look_back(given_sequences, [row.tolist() for row in given_rewards])
    logprobs = [slow_logprobs(models.policy, one) for one in given_sequences]
    kl = [found - slow_logprobs(models.reference, one) for found, one in zip(logprobs, given_sequences, strict=True)]
    lengths = np.cumsum([len(one.answer) for one in given_sequences])[:-1]
    values = np.split(experience.values.double().numpy(), lengths)
    penalised = [row - 0.1 * each for row, each in zip(given_rewards, kl, strict=True)]
    advantages = reference.gae(penalised, values, 1.0, 0.95)
    np.testing.assert_allclose(
        experience.returns.numpy(), np.concatenate(advantages) + experience.values.numpy(), **CLOSE
    )
    white = np.concatenate(reference.whiten(advantages))
    np.testing.assert_allclose(experience.advantages.numpy(), white, rtol=1e-4, atol=1e-4)

    # Move the models away from what wrote the sessions, so that ratios differ from 1 and clips come into play.
    with torch.no_grad():
        for parameter in [*models.policy.parameters(), *models.critic.parameters()]:
            parameter += 0.02 * torch.randn_like(parameter)
    (batch,) = batches_of(given_sequences, 10_000, "cpu", 0)
    order = np.concatenate([np.split(np.arange(len(white)), lengths)[at] for at in batch.members])
    new, _ = answer_logprobs(models.policy, batch, temperature=1.0)
    wanted = {
        "policy_loss": reference.policy_loss(
            new.detach().double().numpy(), np.concatenate(logprobs)[order], white[order], 0.2
        ),
        "value_loss": reference.value_loss(
            answer_values(models.critic, batch).detach().double().numpy(),
            experience.values.double().numpy()[order],
            experience.returns.double().numpy()[order],
            0.2,
        ),
    }
    models.optimizer = torch.optim.SGD([*models.policy.parameters(), *models.critic.parameters()], lr=0.0)
    learner = Learner(models, replace(SETTINGS, epochs=1, grad_norm=1e9), Processes(cpu=True))
    figures = learner.learn(experience, frozen=False, seed=1)
    for name, fraction in (("policy_loss", "clip_fraction"), ("value_loss", "value_clip_fraction")):
        loss, clipped = wanted[name]
        assert figures[name] == pytest.approx(loss, rel=1e-4, abs=1e-5)
        assert figures[fraction] == pytest.approx(clipped / len(white), abs=1e-6) and clipped


def test_gradients_do_not_depend_on_how_sessions_are_batched(policy: Path) -> None:
    given_sequences = sequences(3)
    rewards = [[0.3] * len(one.answer) for one in given_sequences]
    weights = []
    for most in (60, 10_000):
        models = models_of(policy)
        # Not Adam, which makes of a gradient that is nothing but rounding a whole step.
        models.optimizer = torch.optim.SGD([*models.policy.parameters(), *models.critic.parameters()], lr=0.1)
        learner = Learner(models, replace(SETTINGS, batch_tokens=most), Processes(cpu=True))
        learner.learn(learner.look_back(given_sequences, rewards), frozen=False, seed=1)
        weights.append(torch.cat([each.detach().flatten() for each in models.policy.parameters()]))
    assert torch.allclose(weights[0], weights[1], atol=1e-5)


def test_a_frozen_policy_stays_as_it_is_while_the_value_model_learns(policy: Path) -> None:
    models, given_sequences = models_of(policy), sequences(4)
    before = [each.detach().clone() for each in models.policy.parameters()]
    head = models.critic.head.weight.detach().clone()
    learner = Learner(models, SETTINGS, Processes(cpu=True))
    learner.learn(
        learner.look_back(given_sequences, [[1.0] * len(one.answer) for one in given_sequences]), frozen=True, seed=1
    )
    assert all(torch.equal(a, b) for a, b in zip(before, models.policy.parameters(), strict=True))
    assert not torch.equal(head, models.critic.head.weight)


def test_a_gradient_that_is_no_number_changes_no_weight(policy: Path) -> None:
    models, given_sequences = models_of(policy), sequences(5)
    before = [each.detach().clone() for each in models.policy.parameters()]
    learner = Learner(models, SETTINGS, Processes(cpu=True))
    rewards = [[float("nan")] * len(one.answer) for one in given_sequences]
    with pytest.raises(TrainingError, match="no number"):
        learner.learn(learner.look_back(given_sequences, rewards), frozen=False, seed=1)
    assert all(torch.equal(a, b) for a, b in zip(before, models.policy.parameters(), strict=True))


def test_no_checkpoint_is_made_of_weights_that_drifted_apart(
    policy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Processes, "same_everywhere", lambda self, values: False)
    with pytest.raises(TrainingError, match="drifted apart"):
        save_checkpoint(tmp_path, models_of(policy), Progress(update=3), Processes(cpu=True), kept=1)
    assert not list(tmp_path.iterdir())
