"""Is there a network?"""

import socket
import threading
import time
import urllib.request
from collections.abc import Sequence
from urllib.parse import urlsplit

from pasa_tui.config.settings import Settings
from pasa_tui.sources.catalogue import SOURCES

_PROBE_SECONDS = 3.0
"""How long a search waits for the first sign of a network before it takes the corpora at hand."""


def addresses_of(names: Sequence[str], settings: Settings) -> list[str]:
    """Where the named sources are."""
    return [getattr(settings.sources, SOURCES[name].url_setting) for name in names]


def any_reachable(addresses: Sequence[str], patience: float = _PROBE_SECONDS) -> bool:
    """Whether one of the hosts takes a connection within `patience` seconds, or a proxy is set to ask them."""
    if {"http", "https", "all"} & set(urllib.request.getproxies()):
        return True
    found, ended = threading.Event(), threading.Semaphore(0)
    hosts = {
        (parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80))
        for parts in map(urlsplit, addresses)
    }

    def knock(host: str, port: int) -> None:
        try:
            socket.create_connection((host, port), timeout=patience).close()
            found.set()
        except OSError:
            pass
        finally:
            ended.release()

    for host, port in hosts:
        # A daemon: looking up a name can take longer than anyone wants to wait, and can't be cut short.
        threading.Thread(target=knock, args=(host, port), daemon=True).start()
    ends = time.monotonic() + patience
    for _ in hosts:
        if found.is_set() or not ended.acquire(timeout=max(0.0, ends - time.monotonic())):
            break
    return found.is_set()
