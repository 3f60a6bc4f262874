"""Several threads, several processes, and processes that die."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from pasa_tui.errors import LibraryError
from pasa_tui.events import SearchEnded, SearchStarted
from pasa_tui.library import Library
from tests.library.builders import QUERY, found, judged, kept, whole


def at_once(*jobs: Callable[[], None]) -> None:
    """Run the jobs in threads that start together; raise what one of them raised."""
    ready = threading.Barrier(len(jobs))
    errors: list[BaseException] = []

    def run(job: Callable[[], None]) -> None:
        ready.wait()
        try:
            job()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def test_threads_share_one_library(library: Library) -> None:
    search_id = library.create_search(QUERY, {})
    at_once(*[lambda n=n: library.record(search_id, [found(n)]) for n in range(20)])
    assert library.search(search_id).met == len(library.state(search_id).papers) == 20


def test_a_new_library_can_be_opened_by_several_at_once(path: Path) -> None:
    at_once(*[lambda: Library.open(path).close()] * 6)
    with Library.open(path) as library:
        kept(library, 1)


RECORDING = """
import sys
from pathlib import Path
from pasa_tui.library import Library
from tests.library.builders import QUERY, found, judged
library = Library.open(Path(sys.argv[1]))
search_id = library.create_search(QUERY, {})
for number in range(1, int(sys.argv[2]) + 1):
    library.record(search_id, [found(number), judged(number, 0.9)])
    print(number, flush=True)
"""


def recording(path: Path, batches: int) -> "subprocess.Popen[str]":
    """A process that records a search in this many batches of one selected paper, and says after each its number."""
    command = [sys.executable, "-c", RECORDING, str(path), str(batches)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_two_processes_lose_nothing(path: Path) -> None:
    children = [recording(path, 50) for _ in range(2)]
    for child in children:
        assert child.communicate()[0].split()[-1] == "50"
    with Library.open(path) as library:
        assert [(row.met, row.selected) for row in library.searches()] == [(50, 50), (50, 50)]
        assert len(library.find_papers("paper", limit=1000)) == 50
        for row in library.searches():
            assert library.events(row.id) == [event for n in range(1, 51) for event in (found(n), judged(n, 0.9))]


def test_after_kill_9_everything_committed_is_there_and_can_be_gone_on_with(path: Path) -> None:
    with recording(path, 10**6) as child:
        assert child.stdout is not None
        while int(child.stdout.readline()) < 25:
            pass
        with Library.open(path) as library:
            assert library.search(1).status == "running"
            for refused in (library.claim, library.delete_search):
                with pytest.raises(LibraryError, match="running in another"):
                    refused(1)
            with pytest.raises(LibraryError, match="taken over"):
                library.record(1, [])
            child.send_signal(signal.SIGKILL)
    with Library.open(path) as library:
        row = library.search(1)
        assert row.status == "interrupted" and row.met >= 25
        expected = [event for n in range(1, row.met + 1) for event in (found(n), judged(n, 0.9))]
        assert library.events(1) == expected
        library.claim(1)
        assert library.search(1).status == "running"
        library.record(1, [SearchStarted(query="q", resumed=True), SearchEnded(ending="done")])
        assert library.search(1).status == "done" and len(library.events(1)) == len(expected) + 2


def test_an_ended_search_runs_again_once_it_is_started(library: Library) -> None:
    search_id = kept(library, 1)
    library.claim(search_id)
    assert library.search(search_id).status == "done"
    library.record(search_id, [SearchStarted(query="q", resumed=True)])
    row = library.search(search_id)
    assert (row.status, row.ended_at) == ("running", None)
    library.record(search_id, [SearchEnded(ending="budget")])
    assert library.search(search_id).status == "budget"


def own(path: Path, owner: str, updated_at: str | None = None) -> None:
    """Make it look as if that process ran all searches, and last recorded something then."""
    with Library.open(path) as library:
        library._connection.execute(
            "UPDATE searches SET owner = ?, updated_at = coalesce(?, updated_at)", [owner, updated_at]
        )


def test_a_log_has_one_writer(library: Library, path: Path) -> None:
    search_id = kept(library, 1)
    own(path, "elsewhere:1:1", "2020-01-01T00:00:00+00:00")
    with pytest.raises(LibraryError, match="taken over"):
        library.record(search_id, [found(2)])
    assert library.events(search_id) == whole(1)
    library.claim(search_id)
    library.record(search_id, [found(2)])
    assert library.search(search_id).met == 2


def test_a_process_number_given_out_again_is_not_the_owner(library: Library, path: Path) -> None:
    search_id = library.create_search(QUERY, {})
    (owner,) = library._connection.execute("SELECT owner FROM searches").fetchone()
    host, pid, start_time = owner.rsplit(":", 2)
    assert pid == str(os.getpid())
    own(path, f"{host}:{pid}:not-{start_time}")
    assert library.search(search_id).status == "interrupted"


def test_another_machines_search_is_running_while_it_shows_signs_of_life(library: Library, path: Path) -> None:
    search_id = library.create_search(QUERY, {})
    own(path, "elsewhere:1:1")
    assert library.search(search_id).status == "running"
    own(path, "elsewhere:1:1", "2020-01-01T00:00:00+00:00")
    assert library.search(search_id).status == "interrupted"
