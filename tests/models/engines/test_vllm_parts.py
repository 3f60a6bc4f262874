"""What the vLLM engine is made of: how models share a GPU, and what is read from its log."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from pasa_tui.errors import ModelError
from pasa_tui.models.engines import vllm_memory
from pasa_tui.models.engines.protocol import Progress
from pasa_tui.models.engines.vllm_loading import load_error
from pasa_tui.models.engines.vllm_log import EngineLog, failure_reason, latest_progress
from pasa_tui.models.engines.vllm_memory import GIB, memory_shares, split_memory


class TestMemory:
    weights = 15 * GIB

    def test_one_model_has_all_that_may_be_taken(self) -> None:
        assert split_memory([self.weights], [80 * GIB], limit=0.9) == pytest.approx([0.9])

    def test_crawler_and_selector_share(self) -> None:
        crawler, selector = split_memory([self.weights] * 2, [80 * GIB], limit=0.9)
        assert crawler + selector == pytest.approx(0.9)
        # 72 GiB less twice 15 of weights, 5 of work and 1 at least: 30 are shared three to one.
        assert (crawler * 80, selector * 80) == pytest.approx((43.5, 28.5))

    def test_spread_over_several_the_smallest_counts(self) -> None:
        with pytest.raises(ModelError, match=r"36\.0 GiB are needed, 21\.6 GiB can be had"):
            split_memory([self.weights] * 2, [24 * GIB], limit=0.9)
        shares = split_memory([self.weights] * 2, [24 * GIB, 26 * GIB], limit=0.9, tensor_parallel=2)
        assert sum(shares) == pytest.approx(0.9) and shares[0] > shares[1] > 10.5 / 24

    def test_too_few_gpus(self) -> None:
        with pytest.raises(ModelError, match="spread over 2 GPUs, and there are 1"):
            split_memory([GIB], [80 * GIB], limit=0.9, tensor_parallel=2)

    def test_weights_are_measured_on_the_disk(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        folders = [tmp_path / "crawler", tmp_path / "selector"]
        for folder in folders:
            folder.mkdir()
            (folder / "config.json").write_text("{}")
            (folder / "model.safetensors").write_bytes(bytes(1234))
        monkeypatch.setattr(vllm_memory, "gpu_sizes", lambda: (80 * GIB,))
        assert memory_shares(folders, 0.8) == split_memory([1234, 1234], [80 * GIB], limit=0.8)
        monkeypatch.setattr(vllm_memory, "gpu_sizes", tuple)
        assert memory_shares(folders, 0.8) == [0.4, 0.4]
        (folders[1] / "config.json").unlink()
        with pytest.raises(ModelError):
            memory_shares(folders, 0.8)


class TestLog:
    def test_the_last_stage_counts(self) -> None:
        assert latest_progress("nothing known") is None
        text = "Starting to load model x\nLoading safetensors checkpoint shards:  25% Completed\n"
        assert latest_progress(text) == Progress("Loading the weights", 0.25)
        text += "Loading safetensors checkpoint shards: 100%\nModel loading took 14.2 GiB\n"
        assert latest_progress(text) == Progress("Measuring memory")
        text += "Capturing CUDA graphs (mixed prefill-decode, PIECEWISE):  40%|####"
        assert latest_progress(text) == Progress("Recording the GPU's steps", 0.4)

    def test_the_first_error_is_the_reason(self) -> None:
        text = (
            "ERROR vllm: EngineCore failed to start.\nTraceback (most recent call last):\n"
            "RuntimeError: Engine core initialization failed. See root cause above.\n"
            "pydantic_core.ValidationError: 1 wrong\x1b[0m value\nValueError: later\n"
        )
        assert failure_reason(text) == "1 wrong[0m value"
        assert failure_reason("all is well") == ""

    @pytest.mark.parametrize(
        "line",
        [
            "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB",
            "ValueError: Free memory on device cuda:0 (3.1/79 GiB) on startup is less than desired",
            "ValueError: No available memory for the cache blocks. Try increasing `gpu_memory_utilization`",
        ],
    )
    def test_too_little_memory_is_one_message(self, line: str) -> None:
        error = load_error(RuntimeError("Engine core initialization failed."), f"ERROR\n{line}\n")
        assert "memory" in error.message and "tensor_parallel" in error.hint and "Free memory" not in error.message

    def test_other_failures_name_the_reason(self) -> None:
        error = load_error(RuntimeError("Engine core initialization failed."), "KeyError: 'model.norm.weight'\n")
        assert error.message == "vLLM can't load the model: 'model.norm.weight'"

    def test_only_the_loading_thread_is_silenced(self, capsys: pytest.CaptureFixture[str]) -> None:
        log = EngineLog()
        with log.quiet():
            print("from vLLM")
            other = threading.Thread(target=print, args=("from the application",))
            other.start()
            other.join()
        print("afterwards")
        assert capsys.readouterr().out == "from the application\nafterwards\n"
        assert log.since(0) == "from vLLM\n"

    def test_its_processes_print_into_the_file(self, capfd: pytest.CaptureFixture[str]) -> None:
        log = EngineLog()
        code = (
            "import multiprocessing, sys\n"
            "from pasa_tui.models.engines.vllm_log import EngineLog\n"
            "if __name__ == '__main__':\n"
            "    log = EngineLog()\n"
            "    with log.quiet():\n"
            "        process = multiprocessing.get_context('spawn').Process(target=print, args=('from a process',))\n"
            "        process.start(); process.join()\n"
            "    sys.exit(log.since(0) != 'from a process\\n')\n"
        )
        script = log.path.parent / "script.py"
        script.write_text(code)
        done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
