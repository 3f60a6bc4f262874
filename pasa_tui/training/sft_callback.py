"""What happens beside the steps of SFT: figures are written, the time is told, a wish to stop is heeded."""

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from pasa_tui.errors import TrainingError
from pasa_tui.training.output import MetricsLog
from pasa_tui.training.session_ppo.processes import Processes

_TIMED_STEPS = 5
"""Steps from whose time that of all is told."""
_NAMES = {"loss": "loss", "learning_rate": "learning_rate", "grad_norm": "grad_norm", "mean_token_accuracy": "accuracy"}


class Watcher(TrainerCallback):  # type: ignore[misc]
    """Writes figures with `log`, which only the first process has, and stops all processes after the same step."""

    def __init__(
        self,
        output: Path,
        stopped: Callable[[], bool],
        processes: Processes,
        tell: Callable[[str], None],
        log: type[MetricsLog] | None,
    ) -> None:
        self._output = output
        self._stopped = stopped
        self._processes = processes
        self._tell = tell
        self._make_log = log
        self._log: MetricsLog | None = None
        self._began = (0, 0.0)

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Open the figures, from the step that the training goes on with."""
        if self._make_log is not None:
            self._log = self._make_log(self._output, step=state.global_step)
        self._began = (state.global_step, time.monotonic())

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Stop where anybody was asked to; tell how long it will take."""
        first, began = self._began
        if state.global_step - first == _TIMED_STEPS:
            seconds = (time.monotonic() - began) / _TIMED_STEPS
            left = seconds * (state.max_steps - state.global_step)
            self._tell(f"{seconds:.2f} s a step; about {left / 60:,.1f} minutes left.")
        if self._processes.sums(float(self._stopped()))[0]:
            control.should_save = control.should_training_stop = True

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        """Write the figures of the last steps. Raises TrainingError where the training has come apart."""
        if not math.isfinite(float((logs or {}).get("grad_norm", 0.0))):
            raise TrainingError(
                f"The gradient at step {state.global_step:,} is no number any more.",
                "Train again with a smaller --learning-rate or in --dtype float32.",
            )
        found = {ours: float(logs[theirs]) for theirs, ours in _NAMES.items() if theirs in (logs or {})}
        if self._log is not None and found:
            self._log.write(state.global_step, found)
            if "loss" in found:
                self._tell(f"step {state.global_step:,} of {state.max_steps:,}: loss {found['loss']:.4f}")

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Close what TensorBoard reads."""
        if self._log is not None:
            self._log.close()
