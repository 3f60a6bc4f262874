import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from pasa_tui.errors import ModelError
from pasa_tui.models import hub as hub_module
from pasa_tui.models.fetching import FetchProgress, fetch, installed
from pasa_tui.models.hub import Hub
from pasa_tui.models.hub_files import FetchCancelled, is_intact
from tests.models.fetched import SHARDS, TAKEN, failure, fetched, model_files, models_in, planned
from tests.models.hub_server import Fault, HubServer

pytest.importorskip("huggingface_hub")


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
