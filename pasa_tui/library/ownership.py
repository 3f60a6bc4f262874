"""Which process runs a search, and whether it still does."""

import os
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

# A search of another machine (a shared home) counts as running while it has recorded something this recently.
_STALE = timedelta(seconds=60)


def this_process() -> str:
    """`host:pid:start time`: a name that no other process gets, even when the pid is given out again."""
    pid = os.getpid()
    return f"{socket.gethostname()}:{pid}:{_start_time(pid)}"


def is_alive(owner: str, updated_at: datetime) -> bool:
    """Whether the process of that name still runs, as far as can be told from here.

    `updated_at` is when it last recorded something: all there is to go by for a process of another machine.
    """
    host, pid, start_time = owner.rsplit(":", 2)
    if host != socket.gethostname() or os.name == "nt":
        # On Windows os.kill would end the process rather than ask for it.
        return owner == this_process() or datetime.now(UTC) - updated_at < _STALE
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return _start_time(int(pid)) == start_time


def _start_time(pid: int) -> str:
    """The start time of a process in clock ticks since boot (proc(5), stat, field 22), or "?" without /proc."""
    try:
        # The name, in parentheses, may hold anything; the fields after it are counted from its end.
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        return fields[19]
    except (OSError, IndexError):
        return "?"
