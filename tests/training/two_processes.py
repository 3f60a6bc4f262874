"""Run by torchrun: each process makes an update of its share of the same sessions; the first writes what came of it.

torchrun --nproc_per_node 2 -m tests.training.two_processes POLICY OUTPUT OPTIMIZER
"""

import sys
from dataclasses import replace
from pathlib import Path

import torch

from pasa_tui.training.session_ppo.learner import Learner
from pasa_tui.training.session_ppo.processes import Processes
from tests.training.test_ppo_losses import SETTINGS, models_of, sequences


def update(policy: Path, kind: str, processes: Processes) -> dict[str, torch.Tensor]:
    """Two updates of 7 sessions, dealt out; the second in three steps, for which one process has too few sessions."""
    torch.set_num_threads(1)
    models = models_of(policy)
    assert models.critic is not None
    learning = [*models.policy.parameters(), *models.critic.parameters()]
    models.optimizer = torch.optim.SGD(learning, lr=0.1) if kind == "sgd" else torch.optim.AdamW(learning, lr=1e-5)
    figures = {}
    for number, minibatches in ((1, 1), (2, 3)):
        # The last three of the second update go to the first process alone: uneven, and with minibatches left empty.
        mine = sequences(number)[processes.rank :: processes.count] if number == 1 else sequences(number, 5)
        if number == 2 and processes.count > 1:
            mine = mine[:4] if processes.is_first else mine[4:]
        learner = Learner(models, replace(SETTINGS, minibatches=minibatches if kind == "uneven" else 1), processes)
        rewards = [[0.1 * len(one.prompt)] * len(one.answer) for one in mine]
        figures = learner.learn(learner.look_back(mine, rewards), frozen=False, seed=number)
        assert processes.same_everywhere(learning), "the processes have drifted apart"
    weights = {f"policy.{name}": value for name, value in models.policy.state_dict().items()}
    weights |= {f"critic.{name}": value for name, value in models.critic.state_dict().items()}
    return weights | {f"figure.{name}": torch.tensor(value) for name, value in figures.items()}


if __name__ == "__main__":
    together = Processes(cpu=True)
    made = update(Path(sys.argv[1]), sys.argv[3], together)
    if together.is_first:
        torch.save(made, sys.argv[2])
    together.end()
