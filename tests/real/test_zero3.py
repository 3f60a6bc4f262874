"""SFT by the shipped DeepSpeed configuration, on CPUs: ZeRO-3 trains the model that plain processes train."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("trl")

import torch
from safetensors.torch import load_file

import pasa_tui.training
from tests.training.test_sft import lines
from tests.training.world import crawler_rows, make_policy

pytestmark = pytest.mark.engines

ZERO3 = Path(pasa_tui.training.__file__).parent / "configs" / "zero3.yaml"


@pytest.fixture
def deepspeed() -> str:
    folder = os.environ.get("PASA_TUI_DEEPSPEED", "")
    if not Path(folder, "deepspeed").is_dir():
        pytest.skip("PASA_TUI_DEEPSPEED names no folder with deepspeed (see tests/real/README.md)")
    return folder


@pytest.mark.parametrize("lora", [0, 8])
def test_zero3_trains_the_model_that_plain_processes_train(deepspeed: str, tmp_path: Path, lora: int) -> None:
    model = make_policy(tmp_path / "raw", steps=0)
    data = lines(tmp_path / "train.jsonl", crawler_rows(200, seed=1))
    train = ["-m", "pasa_tui", "train", "crawler", str(model), "--data", str(data), "--lora", str(lora)]
    train += ["--batch", "8", "--learning-rate", "3e-3", "--dtype", "float32", "--output"]
    plain = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    config = tmp_path / "zero3.yaml"
    config.write_text(ZERO3.read_text() + "use_cpu: true\nnum_processes: 2\nmixed_precision: 'no'\n")
    zero3 = ["-m", "accelerate.commands.launch", "--config_file", str(config)]
    environ = {**os.environ, "PYTHONPATH": deepspeed, "OMP_NUM_THREADS": "1", "PASA_TUI_HOME": str(tmp_path / "home")}
    for launch, output in ((plain, "plain"), (zero3, "zero3")):
        command = [sys.executable, *launch, *train, str(tmp_path / output)]
        done = subprocess.run(command, capture_output=True, text=True, env=environ, check=False, timeout=300)
        assert done.returncode == 0, done.stderr[-3000:]
    raw, one, other = (load_file(tmp_path / name / "model.safetensors") for name in ("raw", "plain", "zero3"))
    assert one.keys() == other.keys() and any(not torch.equal(raw[name], one[name]) for name in one)
    # AdamW's first steps turn differences of rounding where a gradient is all but 0 into some of the step's size.
    assert max(float((one[name] - other[name]).abs().max()) for name in one) < 1e-4
