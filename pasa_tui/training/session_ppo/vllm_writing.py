"""Answers written by a vLLM engine in an environment of its own, whose weights follow those that are trained."""

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pasa_tui.errors import TrainingError
from pasa_tui.training.session_ppo import vllm_worker
from pasa_tui.training.session_ppo.marks import STOPS
from pasa_tui.training.session_ppo.writing import PolicyWriter

_LOG = "vllm.log"
_WEIGHTS = "rollout-weights"
_OF_TORCHRUN = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT", "PYTHONPATH")


class VllmWriter:
    """Writes as `PolicyWriter` does, in another process. `own` cuts answers and reads tokens.

    The engine begins with the weights in `model`; `refresh` brings it those of the policy. Its sampling is seeded by
    `seed` and by how often it was asked. Raises TrainingError where the engine can't be started or fails.
    """

    def __init__(
        self,
        own: PolicyWriter,
        python: Path,
        model: Path,
        folder: Path,
        *,
        dtype: str,
        memory: float,
        max_length: int,
        max_tokens: int,
        temperature: float,
        seed: int,
        device: Any,
    ) -> None:
        self._own = own
        self._folder = folder
        self._max_tokens = max_tokens
        self._temperature = temperature
        self._seed = seed
        self._asked = 0
        environ = dict(os.environ)
        if device.type == "cuda":
            environ["CUDA_VISIBLE_DEVICES"] = str(device.index or 0)
        # torchrun's variables would have the engine join the training's processes.
        for name in (
            "RANK",
            "LOCAL_RANK",
            "WORLD_SIZE",
            "LOCAL_WORLD_SIZE",
            "MASTER_ADDR",
            "MASTER_PORT",
            "PYTHONPATH",
        ):
            environ.pop(name, None)
        command = [str(python), str(vllm_worker.__file__), str(model), dtype, str(memory), str(max_length)]
        with (folder / _LOG).open("ab") as log:
            try:
                self._process = subprocess.Popen(
                    command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, env=environ, text=True
                )
            except OSError as error:
                hint = "Name the interpreter of an environment that has vllm."
                raise TrainingError(f"{python} can't be run: {error.strerror}.", hint) from error
        self._receive()

    @property
    def tokens(self) -> int:
        """Tokens written, prompts left out."""
        return self._own.tokens

    def seed(self, number: int) -> None:
        """Go on with the random numbers of the update `number`."""
        self._asked = number * 1_000

    def write(self, prompts: Sequence[Sequence[int]], *, greedy: bool = False) -> list[list[int]]:
        """An answer to each prompt, in order, up to its first stop mark."""
        self._asked += 1
        asked = {
            "prompts": [list(prompt) for prompt in prompts],
            "temperature": 0.0 if greedy else self._temperature,
            "max_tokens": self._max_tokens,
            "stop": list(STOPS),
            "seed": (self._seed * 1_000_003 + self._asked) * 1_000_003 % 2**31,
        }
        return self._own.take(self._send(asked)["answers"])

    def refresh(self, policy: Any) -> None:
        """Give the engine the policy's weights."""
        target = self._folder / _WEIGHTS
        policy.save_pretrained(target)
        self._send({"weights": str(target)})

    def close(self) -> None:
        """End the engine. More than once is harmless."""
        if self._process.stdin is not None and not self._process.stdin.closed:
            self._process.stdin.close()
        try:
            self._process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self._folder / _WEIGHTS, ignore_errors=True)

    def _send(self, value: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(value) + "\n")
            self._process.stdin.flush()
        except OSError:
            raise self._ended() from None
        return self._receive()

    def _receive(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise self._ended()
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise TrainingError(f"vLLM failed: {answer['error']}", f"Its log is {self._folder / _LOG}.")
        return answer

    def _ended(self) -> TrainingError:
        return TrainingError("vLLM has ended.", f"Why is in {self._folder / _LOG}.")


Writer = PolicyWriter | VllmWriter
"""What writes the rollouts."""
