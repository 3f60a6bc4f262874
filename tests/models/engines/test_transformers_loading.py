"""What can be wrong with a folder, a device or memory is one message that says what to do."""

import asyncio
import json
import shutil
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pasa_tui.errors import ModelError
from pasa_tui.models.engines.protocol import Progress, Prompt
from tests import tiny

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from pasa_tui.models.engines import torch_loading  # noqa: E402
from pasa_tui.models.engines.transformers import TransformersEngine  # noqa: E402


@pytest.fixture(scope="module")
def untrained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "untrained"
    tiny.make_untrained_model(folder)
    return folder


@pytest.fixture
def folder(untrained: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(untrained, tmp_path / "model"))


def ignore(progress: Progress) -> None: ...


async def refused(folder: Path, **options: Any) -> ModelError:
    engine = TransformersEngine(folder, name="tiny", **options)
    with pytest.raises(ModelError) as caught:
        await engine.start(ignore)
    await engine.close()
    assert caught.value.message and "\n" not in caught.value.message
    assert caught.value.hint
    return caught.value


async def test_progress_is_told_to_all_who_start_and_loading_is_done_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    loads = []
    load = transformers.AutoModelForCausalLM.from_pretrained
    monkeypatch.setattr(
        transformers.AutoModelForCausalLM, "from_pretrained", lambda *a, **k: loads.append(a) or load(*a, **k)
    )
    engine = TransformersEngine(folder, name="tiny", device="cpu")
    told: list[Progress] = []
    elsewhere = threading.Thread(target=lambda: asyncio.run(engine.start(ignore)))
    elsewhere.start()
    await asyncio.gather(engine.start(told.append), engine.start(ignore))
    await asyncio.to_thread(elsewhere.join)
    await engine.start(ignore)
    assert len(loads) == 1
    shares = [progress.share for progress in told if progress.share is not None]
    assert shares[-1] == 1.0 and shares == sorted(shares)
    assert {progress.message for progress in told} >= {"loading the weights"}
    await engine.close()
    assert capfd.readouterr().err == "", "progress bars would be written over the screen"


async def test_a_missing_folder_or_file(folder: Path) -> None:
    assert "no folder" in (await refused(folder / "none")).message
    (folder / "model.safetensors").rename(folder / "elsewhere")
    error = await refused(folder)
    assert "no weights" in error.message and "model.safetensors" in error.hint
    (folder / "config.json").unlink()
    assert "config.json is missing" in (await refused(folder)).message


async def test_missing_parts_of_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"a": "part-1.safetensors", "b": "part-2.safetensors"}}))
    assert "2 of 2" in (await refused(folder)).message
    index.write_text("{")
    assert "damaged" in (await refused(folder)).message


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "model.safetensors").write_bytes(b"\x10" * 1000),
        lambda folder: (folder / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes()[:-1000]),
        lambda folder: (folder / "config.json").write_text("{"),
        lambda folder: (folder / "config.json").write_text('{"model_type": "unheard-of"}'),
        lambda folder: (folder / "tokenizer.json").write_text("{"),
        lambda folder: change(folder, hidden_size=64, num_attention_heads=1),
        lambda folder: change(folder, num_hidden_layers=3),
    ],
)
async def test_damaged_files(folder: Path, damage: Callable[[Path], None]) -> None:
    damage(folder)
    error = await refused(folder)
    assert any(word in error.message for word in ("can't be loaded", "incomplete", "damaged"))


def change(folder: Path, **values: int) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **values, "layer_types": None, "max_window_layers": 0}))


async def test_after_a_failure_the_next_start_tries_again(folder: Path) -> None:
    weights = folder / "model.safetensors"
    weights.rename(folder / "elsewhere")
    engine = TransformersEngine(folder, name="tiny")
    with pytest.raises(ModelError):
        await engine.start(ignore)
    (folder / "elsewhere").rename(weights)
    await engine.start(ignore)
    assert len(await engine.score([Prompt("Decision:", raw=True)])) == 1
    await engine.close()


async def test_code_that_comes_with_a_model_is_never_run(folder: Path, tmp_path: Path) -> None:
    (folder / "code.py").write_text(f"open({str(tmp_path / 'run')!r}, 'w')")
    config = json.loads((folder / "config.json").read_text())
    config |= {"model_type": "own", "auto_map": {"AutoConfig": "code.A", "AutoModelForCausalLM": "code.B"}}
    (folder / "config.json").write_text(json.dumps(config))
    await refused(folder)
    assert not (tmp_path / "run").exists()


async def test_a_missing_package(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    error = await refused(folder)
    assert error.hint == "In the clone: pip install -e '.[transformers]'"


async def test_devices_and_dtypes_that_are_not_there(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert "CUDA" in (await refused(folder, device="cuda")).message
    assert "MPS" in (await refused(folder, device="mps")).message
    assert "no device" in (await refused(folder, device="abacus")).message
    assert "no dtype" in (await refused(folder, dtype="int3")).message
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert "no GPU 3" in (await refused(folder, device="cuda:3")).message


async def test_memory_that_runs_out_while_loading(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 99 bytes.")

    monkeypatch.setattr(transformers.AutoModelForCausalLM, "from_pretrained", full)
    assert "does not fit into the memory" in (await refused(folder)).message


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says what is free")
async def test_weights_larger_than_what_is_free_are_not_begun_with(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch_loading.os.path, "getsize", lambda path: 10**15)
    assert "does not fit into the memory" in (await refused(folder)).message


async def test_closing_while_the_model_is_loaded_ends_the_loading(folder: Path) -> None:
    engine = TransformersEngine(folder, name="tiny", device="cpu")
    closing = threading.Event()
    told: list[float] = []

    def wait(progress: Progress) -> None:
        if progress.share is not None:
            loop.call_soon_threadsafe(begun.set)
            closing.wait()
            told.append(progress.share)

    loop, begun = asyncio.get_running_loop(), asyncio.Event()
    starting = asyncio.create_task(engine.start(wait))
    await begun.wait()
    ending = asyncio.create_task(engine.close())
    await asyncio.sleep(0)
    with pytest.raises(ModelError, match="closed"):
        await engine.score([Prompt("Decision:", raw=True)])
    closing.set()
    await ending
    with pytest.raises(ModelError, match="closed"):
        await starting
    assert max(told) < 1


async def test_a_vocabulary_without_the_token(folder: Path) -> None:
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    vocabulary = tokenizer["model"]["vocab"]
    vocabulary["Trve"] = vocabulary.pop("True")
    merges = [pair for pair in tokenizer["model"]["merges"] if "True" not in (*pair, "".join(pair))]
    tokenizer["model"]["merges"] = merges
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    engine = TransformersEngine(folder, name="tiny")
    with pytest.raises(ModelError, match="no single token 'True'"):
        await engine.score([Prompt("Decision:", raw=True)])
    await engine.close()


@pytest.mark.parametrize(
    ("machine", "flags", "has"),
    [
        ("x86_64", "flags : fpu avx2 avx512f", False),
        ("x86_64", "flags : fpu avx512_bf16", True),
        ("x86_64", "flags : amx_tile amx_bf16", True),
        ("aarch64", "Features : fp asimd", False),
        ("aarch64", "Features : fp asimd bf16", True),
    ],
)
def test_bfloat16_on_a_cpu_needs_units_for_it(
    machine: str, flags: str, has: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch_loading.platform, "machine", lambda: machine)
    (tmp_path / "cpuinfo").write_text(f"processor : 0\n{flags}\n")
    assert torch_loading.cpu_has_bfloat16(tmp_path / "cpuinfo") == has
    device = torch.device("cpu")
    monkeypatch.setattr(torch_loading, "cpu_has_bfloat16", lambda: has)
    assert torch_loading.choose_dtype("auto", device, torch) == (torch.bfloat16 if has else torch.float32)


def test_without_cpuinfo_there_is_no_bfloat16(tmp_path: Path) -> None:
    assert not torch_loading.cpu_has_bfloat16(tmp_path / "none")
