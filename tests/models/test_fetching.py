import json
from pathlib import Path

import pytest

from pasa_tui.errors import ModelError
from pasa_tui.models.fetching import installed
from tests.models.fetched import (
    CRAWLER,
    PROMPTS,
    SELECTOR,
    SHARDS,
    TAKEN,
    contents,
    failure,
    fetched,
    model_files,
    models_in,
    planned,
)
from tests.models.hub_server import COMMIT, HubServer, git_sha1

pytest.importorskip("huggingface_hub")


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
