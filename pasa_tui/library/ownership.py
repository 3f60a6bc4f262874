"""Which process runs a search, and whether it still does."""

import os
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

# A search of another machine (a shared home) counts as running while it has recorded something this recently.
_STALE = timedelta(seconds=60)


def this_process() -> str:
    """A name for this process that outlives neither it nor a reuse of its number: host, pid, start time."""
    return f"{socket.gethostname()}:{os.getpid()}:{_started(os.getpid())}"


def is_alive(owner: str, updated_at: datetime) -> bool:
    """Whether the process of that name still runs, as far as can be told from here."""
    host, _, rest = owner.rpartition(":")[0].rpartition(":")
    if host != socket.gethostname() or not rest.isdigit() or os.name == "nt":
        # On Windows os.kill would end the process rather than ask for it.
        return owner == this_process() or datetime.now(UTC) - updated_at < _STALE
    try:
        os.kill(int(rest), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return owner.endswith(f":{_started(int(rest))}")


def _started(pid: int) -> str:
    """The start time of a process in the kernel's clock ticks, or "?" where /proc does not tell."""
    try:
        # The name in parentheses may hold anything; the fields after it are counted from its end.
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return "?"
