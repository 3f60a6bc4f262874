import errno
import json
import os
import random
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pasa_tui.errors import ModelError
from pasa_tui.models import hub as hub_module
from pasa_tui.models.fetching import FetchPlan, FetchProgress, fetch, installed, plan_fetch
from pasa_tui.models.hub import Hub
from pasa_tui.models.hub_files import FetchCancelled, is_intact
from tests.models.hub_server import COMMIT, Fault, HubServer, git_sha1, sibling

pytest.importorskip("huggingface_hub")

CRAWLER, SELECTOR = "bytedance-research/pasa-7b-crawler", "bytedance-research/pasa-7b-selector"
SHARDS = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")
PROMPTS = {
    "generate_query": "Write searches for {user_query}",
    "select_section": "{user_query} {title} {abstract} {sections} which?",
    "get_selected": "{user_query} {title} {abstract} Decision:",
}


def weights(seed: int, size: int = 1_500_000) -> bytes:
    return random.Random(seed).randbytes(size)


def model_files(seed: int) -> dict[str, bytes]:
    index = {"metadata": {}, "weight_map": {"a": SHARDS[0], "b": SHARDS[1]}}
    return {
        ".gitattributes": b"*.safetensors filter=lfs\n",
        "README.md": b"# A model\n",
        "config.json": json.dumps({"model_type": "qwen2", "seed": seed}).encode(),
        "generation_config.json": b"{}",
        "merges.txt": b"#version: 0.2\n",
        SHARDS[0]: weights(seed),
        SHARDS[1]: weights(seed + 100),
        "model.safetensors.index.json": json.dumps(index).encode(),
        "tokenizer.json": b'{"model": "' + b"x" * 5000 + b'"}',
        "vocab.json": b"{}",
    }


TAKEN = sorted(set(model_files(0)) - {".gitattributes", "README.md"})


@pytest.fixture(autouse=True)
def own_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_ENDPOINT", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def server() -> Iterator[HubServer]:
    server = HubServer()
    server.repositories = {CRAWLER: model_files(1), SELECTOR: model_files(2), "lab/small": model_files(3)}
    server.raw["/bytedance/pasa/main/agent_prompt.json"] = json.dumps(PROMPTS).encode()
    yield server
    server.close()


def planned(server: HubServer, folder: Path, name: str = "lab/small") -> FetchPlan:
    return plan_fetch(name, folder, endpoint=server.url, prompts_at=server.raw_url)


def fetched(plan: FetchPlan) -> list[FetchProgress]:
    told: list[FetchProgress] = []
    fetch(plan, told.append, backoff=0.001)
    return told


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def models_in(folder: Path) -> dict[str, bytes]:
    return {name: content for name, content in contents(folder).items() if not Path(name).name.startswith(".")}


def failure(plan: FetchPlan) -> ModelError:
    with pytest.raises(ModelError) as raised:
        fetched(plan)
    assert raised.value.hint
    return raised.value


# What comes


def test_pasa_is_both_checkpoints_and_its_prompts(server: HubServer, tmp_path: Path) -> None:
    plan = planned(server, tmp_path, "pasa-7b")
    assert [(one.repository, one.revision) for one in plan.repositories] == [(CRAWLER, COMMIT), (SELECTOR, COMMIT)]
    assert plan.remaining == plan.size == sum(len(model_files(seed)[name]) for seed in (1, 2) for name in TAKEN)
    assert plan.free > 0
    assert installed(tmp_path, "pasa-7b").status == "missing"

    fetched(plan)

    expected = {"agent_prompt.json": json.dumps(PROMPTS).encode()}
    for folder, seed in (("pasa-7b-crawler", 1), ("pasa-7b-selector", 2)):
        expected |= {f"{folder}/{name}": model_files(seed)[name] for name in TAKEN}
    assert models_in(tmp_path) == expected
    assert installed(tmp_path, "pasa-7b").status == "complete"
    assert installed(tmp_path, "pasa-7b").size == plan.size
    again = planned(server, tmp_path, "pasa-7b")
    assert again.remaining == 0
    server.requests.clear()
    fetched(again)
    assert not server.requests, "everything was there"


def test_the_library_itself_takes_the_server_for_a_hub(server: HubServer, tmp_path: Path) -> None:
    from huggingface_hub import snapshot_download

    snapshot_download("lab/small", local_dir=tmp_path / "theirs", endpoint=server.url)
    fetched(planned(server, tmp_path / "ours"))
    theirs = {name: content for name, content in contents(tmp_path / "theirs").items() if ".cache" not in name}
    assert theirs == model_files(3)
    assert models_in(tmp_path / "ours") == {f"small/{name}": theirs[name] for name in TAKEN}


def test_only_what_a_model_is_loaded_from_is_taken(server: HubServer, tmp_path: Path) -> None:
    server.repositories["lab/small"] |= {
        "modeling_evil.py": b"import os",
        "pytorch_model.bin": b"\x80\x04pickle",
        "training_args.bin": b"\x80\x04",
        "consolidated.00.pth": b"\x80",
        "optimizer.pt": b"\x80",
        "original/config.json": b"{}",
        "chat_template.jinja": b"{{ x }}",
        "tokenizer.model": b"sp",
    }
    fetched(planned(server, tmp_path))
    assert sorted(path.name for path in (tmp_path / "small").iterdir() if not path.name.startswith(".")) == sorted(
        [*TAKEN, "chat_template.jinja", "tokenizer.model"]
    )


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"config.json": b"{}", "pytorch_model.bin": b"\x80"}, "pickles"),
        ({"config.json": b"{}", "a.gguf": b"G"}, "no weights in safetensors"),
        ({"model.safetensors": b"x"}, "no config.json"),
    ],
)
def test_what_is_no_model_in_safetensors_is_refused(
    server: HubServer, tmp_path: Path, files: dict[str, bytes], words: str
) -> None:
    server.repositories["lab/odd"] = files
    with pytest.raises(ModelError, match=words) as raised:
        planned(server, tmp_path, "lab/odd")
    assert raised.value.hint


def test_progress_ends_at_the_total_and_names_files(server: HubServer, tmp_path: Path) -> None:
    plan = planned(server, tmp_path)
    told = fetched(plan)
    assert told[-1].done == told[-1].total == plan.size
    assert [one.done for one in told] == sorted(one.done for one in told)
    assert {one.file for one in told} == set(TAKEN)
    assert {one.work for one in told} == {"checking", "fetching"}


def test_only_the_owner_can_read_what_was_fetched(server: HubServer, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "checkpoints"
    fetched(planned(server, folder, "pasa-7b"))
    modes = {path.stat().st_mode & 0o077 for path in [folder, *folder.rglob("*")] if path.name != ".fetching.lock"}
    assert modes == {0}
    assert not list(folder.rglob(".incomplete"))


# Interruptions


def test_a_cut_connection_is_taken_up_where_it_broke(server: HubServer, tmp_path: Path) -> None:
    server.faults[SHARDS[0]] = [Fault(cut=700_000), Fault(cut=300_000)]
    told = fetched(planned(server, tmp_path))
    asked = [asked.range for asked in server.content_requests(SHARDS[0])]
    starts = [int(text.removeprefix("bytes=").rstrip("-") or 0) for text in asked]
    assert starts[0] == 0 < starts[1] <= 700_000 < starts[1] + 300_000 and len(starts) == 3
    assert (tmp_path / "small" / SHARDS[0]).read_bytes() == model_files(3)[SHARDS[0]]
    assert told[-1].done == told[-1].total


def test_an_interrupted_fetch_goes_on_with_what_is_there(server: HubServer, tmp_path: Path) -> None:
    plan = planned(server, tmp_path)

    def stop(progress: FetchProgress) -> None:
        if progress.work == "fetching" and progress.done > 2_000_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(plan, stop, parallel=1)
    assert installed(tmp_path, "lab/small").status == "partial"
    again = planned(server, tmp_path)
    assert 0 < again.remaining < plan.size - 1_500_000
    assert again.repositories[0].present == set(TAKEN) - {SHARDS[1]}
    server.requests.clear()
    fetched(again)
    assert sorted(asked.path.rpartition("/")[2] for asked in server.requests if asked.on_cdn) == [SHARDS[1]]
    assert server.content_requests(SHARDS[1])[0].range
    assert models_in(tmp_path) == {f"small/{name}": model_files(3)[name] for name in TAKEN}


def test_ctrl_c_in_a_process_of_its_own_leaves_what_can_be_taken_up(server: HubServer, tmp_path: Path) -> None:
    """A real SIGINT, while the server holds back the second weights."""
    released, reached = threading.Event(), threading.Event()

    def hold(path: str) -> None:
        if path.endswith(SHARDS[1]):
            reached.set()
            released.wait(30)

    server.before_body = hold
    code = (
        "import sys\nfrom pathlib import Path\nfrom pasa_tui.models.fetching import fetch, plan_fetch\n"
        f"plan = plan_fetch('lab/small', Path({str(tmp_path)!r}), endpoint={server.url!r})\n"
        "try:\n    fetch(plan, lambda progress: None, parallel=1)\n"
        "except KeyboardInterrupt:\n    sys.exit(77)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code])
    try:
        assert reached.wait(60)
        process.send_signal(2)
        released.set()
        assert process.wait(60) == 77
    finally:
        released.set()
        process.kill()
    server.before_body = None
    assert (tmp_path / "small" / SHARDS[0]).stat().st_size == 1_500_000
    assert fetched(planned(server, tmp_path))[-1].done == planned(server, tmp_path).size


def test_a_stopped_download_ends_in_mid_file_and_keeps_it(server: HubServer, tmp_path: Path) -> None:
    stopped, part = threading.Event(), tmp_path / "part"
    with Hub(server.url) as hub:
        listing = hub.list_model("lab/small")
        file = next(file for file in listing.files if file.name == SHARDS[0])
        for work in ("fetching", "taking up"):
            stopped.clear()
            with pytest.raises(FetchCancelled):
                hub.download(
                    "lab/small", listing.commit, file, part, advance=lambda size: stopped.set(), stopped=stopped
                )
            assert 0 < part.stat().st_size < file.size, work
    part.write_bytes(model_files(3)[SHARDS[0]])
    stopped.clear()
    with pytest.raises(FetchCancelled):
        is_intact(part, file, advance=lambda size: stopped.set(), stopped=stopped)


def test_a_server_that_ignores_ranges_starts_anew(server: HubServer, tmp_path: Path) -> None:
    server.faults[SHARDS[0]] = [Fault(cut=700_000), Fault(ignores_range=True)]
    told = fetched(planned(server, tmp_path))
    assert (tmp_path / "small" / SHARDS[0]).read_bytes() == model_files(3)[SHARDS[0]]
    assert told[-1].done == told[-1].total


def test_another_range_than_asked_for_is_not_used(server: HubServer, tmp_path: Path) -> None:
    server.faults[SHARDS[0]] = [Fault(cut=700_000), Fault(start=5)]
    told = fetched(planned(server, tmp_path))
    assert "wrong" not in {one.work for one in told}
    assert (tmp_path / "small" / SHARDS[0]).read_bytes() == model_files(3)[SHARDS[0]]


def test_a_busy_hub_is_asked_again(server: HubServer, tmp_path: Path) -> None:
    server.faults[SHARDS[0]] = [Fault(status=503), Fault(status=429, headers={"Retry-After": "0"})]
    fetched(planned(server, tmp_path))
    assert len(server.content_requests(SHARDS[0])) == 3


def test_a_long_wait_is_not_waited(server: HubServer, tmp_path: Path) -> None:
    server.faults[SHARDS[0]] = [Fault(status=429, headers={"Retry-After": "86400"})]
    assert "answers 429" in failure(planned(server, tmp_path)).message


def test_a_connection_that_brings_nothing_is_given_up(server: HubServer, tmp_path: Path) -> None:
    server.faults[SHARDS[0]] = [Fault(cut=0) for _ in range(hub_module.ATTEMPTS)]
    error = failure(planned(server, tmp_path))
    assert SHARDS[0] in error.message and "broke off" in error.message and "kept" in error.hint


def test_two_fetches_at_once_do_not_mix(server: HubServer, tmp_path: Path) -> None:
    plan = planned(server, tmp_path)
    errors: list[str] = []

    def try_another(path: str) -> None:
        server.before_body = None
        with pytest.raises(ModelError) as raised:
            fetch(plan, lambda progress: None)
        errors.append(raised.value.message)

    server.before_body = try_another
    fetched(plan)
    assert len(errors) == 1 and "under way" in errors[0]


# Checksums


@pytest.mark.parametrize("name", ["config.json", SHARDS[0]])
def test_a_wrong_file_is_fetched_once_more(server: HubServer, tmp_path: Path, name: str) -> None:
    right = model_files(3)[name]
    server.faults[name] = [Fault(body=bytes([right[0] ^ 1]) + right[1:])]
    told = fetched(planned(server, tmp_path))
    assert [one.file for one in told if one.work == "wrong"] == [name]
    assert (tmp_path / "small" / name).read_bytes() == right
    assert told[-1].done == told[-1].total


@pytest.mark.parametrize("change", [lambda right: right + b"more", lambda right: bytes(len(right))])
def test_a_file_that_is_wrong_twice_is_an_error_and_gone(server: HubServer, tmp_path: Path, change: Any) -> None:
    wrong = change(model_files(3)[SHARDS[0]])
    server.faults[SHARDS[0]] = [Fault(body=wrong), Fault(body=wrong)]
    error = failure(planned(server, tmp_path))
    assert SHARDS[0] in error.message and "checksum" in error.message
    assert len(server.content_requests(SHARDS[0])) == 2
    assert not (tmp_path / "small" / SHARDS[0]).exists()
    assert not [path for path in (tmp_path / "small" / ".incomplete").glob("*") if path.stat().st_size == len(wrong)]
    assert installed(tmp_path, "lab/small").status == "partial"


def test_a_damaged_part_costs_no_try(server: HubServer, tmp_path: Path) -> None:
    right = model_files(3)[SHARDS[0]]
    plan = planned(server, tmp_path)
    file = next(file for file in plan.repositories[0].files if file.name == SHARDS[0])
    part = tmp_path / "small" / ".incomplete" / f"{file.digest}-{SHARDS[0]}"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"?" * 1_000_000)
    server.faults[SHARDS[0]] = [Fault(), Fault(body=bytes(len(right)))]
    told = fetched(planned(server, tmp_path))
    assert (tmp_path / "small" / SHARDS[0]).read_bytes() == right
    assert told[-1].done == told[-1].total


def test_a_file_damaged_on_the_disk_is_replaced(server: HubServer, tmp_path: Path) -> None:
    fetched(planned(server, tmp_path))
    path = tmp_path / "small" / SHARDS[1]
    right = path.read_bytes()
    path.write_bytes(right[:-1] + bytes([right[-1] ^ 1]))
    told = fetched(planned(server, tmp_path))
    assert path.read_bytes() == right
    assert [one.file for one in told if one.work == "wrong"] == [SHARDS[1]]
    assert len(server.content_requests(SHARDS[0])) == 1


def test_a_later_commit_brings_only_what_changed(server: HubServer, tmp_path: Path) -> None:
    fetched(planned(server, tmp_path))
    files = server.repositories["lab/small"]
    del files["merges.txt"]
    files["config.json"] = b'{"model_type": "qwen2", "new": true}'
    plan = planned(server, tmp_path)
    assert plan.repositories[0].replaced == ("config.json",) and plan.remaining == len(files["config.json"])
    server.requests.clear()
    fetched(plan)
    assert (tmp_path / "small" / "config.json").read_bytes() == files["config.json"]
    assert not (tmp_path / "small" / "merges.txt").exists()
    assert {asked.path.rpartition("/")[2] for asked in server.requests} == {"config.json"}


# Hostile hubs


@pytest.mark.parametrize(
    "name",
    [
        "../evil.json",
        "/tmp/evil.json",
        "..\\evil.json",
        "C:evil.json",
        "a/../../evil.json",
        ".pasa-tui.json",
        ".incomplete/evil.json",
        "evil\n.json",
        "evil\x1b[2J.json",
        "\u202enosj.json",
        "x" * 300 + ".json",
        "..json/../x.json",
    ],
)
def test_no_name_leads_out_of_the_folder(server: HubServer, tmp_path: Path, name: str) -> None:
    files = model_files(3)
    server.listing = {
        "id": "lab/small",
        "sha": COMMIT,
        "siblings": [*(sibling(path, content) for path, content in files.items()), sibling(name, b"evil")],
    }
    server.repositories["lab/small"][name] = b"evil"
    folder = tmp_path / "deep" / "checkpoints"
    fetched(planned(server, folder))
    assert sorted(models_in(tmp_path)) == sorted(f"deep/checkpoints/small/{taken}" for taken in TAKEN)
    assert b"evil" not in contents(tmp_path).values()


def test_names_that_some_disks_take_for_one_come_once(server: HubServer, tmp_path: Path) -> None:
    server.repositories["lab/small"]["Config.json"] = b"{}"
    fetched(planned(server, tmp_path))
    assert "small/Config.json" not in models_in(tmp_path)


@pytest.mark.parametrize(
    "listing",
    [
        b"<html>Log in to the network</html>",
        b"[]",
        b"{}",
        {"id": "lab/small"},
        {"id": "lab/small", "sha": "../../x", "siblings": []},
        {"id": "lab/small", "sha": COMMIT, "siblings": "none"},
        {"id": "lab/small", "sha": COMMIT, "siblings": [{"rfilename": 7}]},
        {"id": "lab/small", "sha": COMMIT, "siblings": [{"rfilename": "config.json"}]},
        {"id": "lab/small", "sha": COMMIT, "siblings": [{"rfilename": "config.json", "size": -1, "blobId": "0" * 40}]},
        {"id": "lab/small", "sha": COMMIT, "siblings": [{"rfilename": "config.json", "size": 1, "blobId": "../x"}]},
        {"id": "lab/small", "sha": COMMIT, "siblings": [{"rfilename": f"{n}.json"} for n in range(10_001)]},
    ],
    ids=["page", "list", "empty", "no commit", "commit", "words", "name", "no size", "negative", "digest", "huge"],
)
def test_a_listing_that_makes_no_sense_is_one_error(server: HubServer, tmp_path: Path, listing: Any) -> None:
    server.listing = listing
    with pytest.raises(ModelError) as raised:
        planned(server, tmp_path)
    assert raised.value.hint and "\n" not in raised.value.message
    assert not list(tmp_path.iterdir())


def test_a_body_that_never_ends_is_cut_off(server: HubServer, tmp_path: Path) -> None:
    endless = Fault(body=bytes(60_000_000))
    server.faults["config.json"] = [endless, replace(endless)]
    error = failure(planned(server, tmp_path))
    assert "config.json" in error.message
    assert sum(len(content) for content in contents(tmp_path).values()) < 5_000_000


# Errors


def test_an_unknown_repository(server: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for token in ("", "hf_good"):
        monkeypatch.setenv("HF_TOKEN", token)
        with pytest.raises(ModelError, match="no repository lab/none") as raised:
            planned(server, tmp_path, "lab/none")
        assert "HF_TOKEN" in raised.value.hint


@pytest.mark.parametrize("name", ["pasa-70b", "a/b/c", "../x", "a/..", "lab/a--b", "-a/b", "a/b?x=1", "a/" + "b" * 200])
def test_a_name_that_is_none(server: HubServer, tmp_path: Path, name: str) -> None:
    with pytest.raises(ModelError) as raised:
        planned(server, tmp_path, name)
    assert raised.value.hint
    assert not server.requests


def test_a_gated_model_says_how_to_get_in(server: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server.gated.add("lab/small")
    error = failure(planned(server, tmp_path))
    assert "only to people it knows" in error.message and "HF_TOKEN" in error.hint
    monkeypatch.setenv("HF_TOKEN", "hf_good")
    fetched(planned(server, tmp_path))
    assert installed(tmp_path, "lab/small").status == "complete"
    assert not any(asked.authorization for asked in server.requests if asked.on_cdn), "the token stays with the hub"
    assert any(asked.authorization for asked in server.requests)


def test_a_token_that_is_none(server: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_bad")
    with pytest.raises(ModelError, match="does not accept the access token"):
        planned(server, tmp_path)


def test_no_network(tmp_path: Path) -> None:
    server = HubServer()
    server.close()
    with pytest.raises(ModelError, match="can't be reached: it refuses the connection") as raised:
        planned(server, tmp_path)
    assert "network" in raised.value.hint


def test_the_network_goes_away(server: HubServer, tmp_path: Path) -> None:
    plan = planned(server, tmp_path)
    server.close()
    assert "it refuses the connection" in failure(plan).message


def test_a_hub_that_is_down(server: HubServer, tmp_path: Path) -> None:
    server.repositories["lab/small"] = {}
    server.listing = None
    original = server._hub.RequestHandlerClass._api  # type: ignore[attr-defined]
    server._hub.RequestHandlerClass._api = lambda self, *rest: self._send(502, b"bad gateway", {})  # type: ignore
    try:
        with pytest.raises(ModelError, match="answers 502"):
            planned(server, tmp_path)
    finally:
        server._hub.RequestHandlerClass._api = original  # type: ignore[attr-defined]


def test_too_little_space_is_seen_before(server: HubServer, tmp_path: Path) -> None:
    plan = replace(planned(server, tmp_path), free=1_000_000)
    server.requests.clear()
    error = failure(plan)
    assert "0.0 GB are to be fetched" in error.message and "free" in error.message
    assert not server.requests


def test_a_disk_that_fills_up(server: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.fsync

    def full(descriptor: int) -> None:
        if os.fstat(descriptor).st_size > 1_000_000:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    error = failure(planned(server, tmp_path))
    assert "No space left" in error.message and "kept" in error.hint
    monkeypatch.undo()
    assert planned(server, tmp_path).remaining < 3_000_000


def test_a_folder_that_cannot_be_written(server: HubServer, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    plan = planned(server, tmp_path)
    with pytest.raises(Exception, match="can't be made") as raised:
        fetched(replace(plan, folder=tmp_path / "file"))
    assert raised.value.hint  # type: ignore[attr-defined]


def test_the_folder_of_another_model_is_left_alone(server: HubServer, tmp_path: Path) -> None:
    fetched(planned(server, tmp_path))
    server.repositories["other/small"] = model_files(9)
    with pytest.raises(ModelError, match="holds lab/small, not other/small"):
        planned(server, tmp_path, "other/small")


def test_without_the_library(server: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(ModelError, match="huggingface-hub") as raised:
        planned(server, tmp_path)
    assert "pip install -e '.[hub]'" in raised.value.hint


def test_environment_names_the_hub(server: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", server.url + "/")
    plan = plan_fetch("lab/small", tmp_path)
    assert plan.endpoint == server.url
    fetched(plan)
    assert installed(tmp_path, "small").status == "complete"


def test_offline_by_choice(server: HubServer, tmp_path: Path) -> None:
    code = (
        "from pathlib import Path\nfrom pasa_tui.models.fetching import plan_fetch\n"
        "from pasa_tui.errors import ModelError\n"
        f"try:\n    plan_fetch('lab/small', Path({str(tmp_path)!r}), endpoint={server.url!r})\n"
        "except ModelError as error:\n    print(error)\n"
    )
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    told = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert "HF_HUB_OFFLINE is set" in told.stdout and not server.requests


def test_the_library_is_imported_when_it_is_used() -> None:
    code = "import sys, pasa_tui.models.fetching; print([m for m in ('huggingface_hub', 'torch') if m in sys.modules])"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


# The prompts


@pytest.mark.parametrize(
    "content",
    [
        b"<html>",
        b"[]",
        b'{"generate_query": "x {user_query}"}',
        json.dumps(PROMPTS | {"get_selected": "{user_query}"}).encode(),
        b'{"generate_query": "' + b"x" * 3_000_000,
    ],
    ids=["page", "list", "one of three", "places missing", "endless"],
)
def test_what_are_no_prompts_is_not_kept(server: HubServer, tmp_path: Path, content: bytes) -> None:
    server.raw["/bytedance/pasa/main/agent_prompt.json"] = content
    error = failure(planned(server, tmp_path, "pasa-7b"))
    assert "not PaSa's prompts" in error.message
    assert not [name for name in contents(tmp_path) if "prompt" in name]


def test_prompts_that_are_not_there(server: HubServer, tmp_path: Path) -> None:
    server.raw.clear()
    assert "404" in failure(planned(server, tmp_path, "pasa-7b")).message


def test_damaged_prompts_are_replaced_and_good_ones_kept(server: HubServer, tmp_path: Path) -> None:
    (tmp_path / "agent_prompt.json").write_text("{")
    fetched(planned(server, tmp_path, "pasa-7b"))
    assert json.loads((tmp_path / "agent_prompt.json").read_text()) == PROMPTS
    server.raw.clear()
    fetched(planned(server, tmp_path, "pasa-7b"))


# What is installed


def test_a_folder_filled_by_hand_counts_by_its_weights(server: HubServer, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    assert installed(tmp_path, "mine").status == "missing"
    for name, content in model_files(4).items():
        (folder / name).write_bytes(content)
    assert installed(tmp_path, "mine").status == "complete"
    assert installed(tmp_path / "elsewhere", str(folder)).status == "complete"
    assert installed(tmp_path.parent, f"{tmp_path.name}/mine").status == "complete"
    (folder / SHARDS[1]).unlink()
    partial = installed(tmp_path, "mine")
    assert partial.status == "partial" and SHARDS[1] in partial.lacks


def test_one_file_less_is_partial(server: HubServer, tmp_path: Path) -> None:
    fetched(planned(server, tmp_path, "pasa-7b"))
    (tmp_path / "pasa-7b-selector" / "vocab.json").unlink()
    state = installed(tmp_path, "pasa-7b")
    assert state.status == "partial" and state.lacks == "1 of 8 files of pasa-7b-selector"
    fetched(planned(server, tmp_path, "pasa-7b"))
    (tmp_path / "agent_prompt.json").unlink()
    assert installed(tmp_path, "pasa-7b").lacks == "agent_prompt.json"


def test_a_damaged_record_is_as_none(server: HubServer, tmp_path: Path) -> None:
    fetched(planned(server, tmp_path))
    for content in (b"", b"[]", b"\xff\xfe", b'{"repository": 1}'):
        (tmp_path / "small" / ".pasa-tui.json").write_bytes(content)
        assert installed(tmp_path, "lab/small").status == "complete"
    assert planned(server, tmp_path).remaining == 0


def test_git_checksum_is_that_of_git(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"hello\n")
    assert git_sha1(b"hello\n") == "ce013625030ba8dba906f756967f9e9ca394464a"
