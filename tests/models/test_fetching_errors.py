import errno
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pasa_tui.errors import ModelError
from pasa_tui.models.fetching import installed, plan_fetch
from tests.models.fetched import TAKEN, contents, failure, fetched, model_files, models_in, planned
from tests.models.hub_server import COMMIT, Fault, HubServer, sibling

pytest.importorskip("huggingface_hub")


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
