from pathlib import Path
from random import Random

import pytest

from pasa_tui.sources.cache import AnswerCache, cache_key


def test_the_cache_keeps_under_its_bound_what_was_used_last(tmp_path: Path) -> None:
    clock = iter(range(1_000_000))
    cache = AnswerCache(tmp_path / "c.db", max_bytes=20_000, now=lambda: float(next(clock)))
    noise = [Random(number).randbytes(3_000) for number in range(12)]
    for number, text in enumerate(noise):
        cache.put(str(number), 200, text)
        assert cache.get("0") is not None or number > 6
    kept = [number for number in range(12) if cache.get(str(number))]
    assert 11 in kept and 1 not in kept and 0 in kept
    cache.close()
    assert cache.get("11") is None


@pytest.mark.parametrize("answer", [(b"{}", "e" * 500), (b"", ""), (None, "")])
def test_the_cache_file_keeps_its_bound(tmp_path: Path, answer: tuple[bytes | None, str]) -> None:
    text, etag = answer
    path, bound = tmp_path / "c.db", 1_000_000
    cache = AnswerCache(path, max_bytes=bound)
    for number in range(3_000):
        cache.put(f"{number:064}", 200, Random(number).randbytes(5_000) if text is None else text, etag=etag)
    cache.close()
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) < 2.5 * bound
    smaller = AnswerCache(path, max_bytes=bound // 10)
    smaller.put("x", 200, b"1")
    smaller.close()
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) < bound / 2


def test_a_cache_that_cannot_be_is_no_cache(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for path in (tmp_path / "file" / "c.db", tmp_path):
        cache = AnswerCache(path, max_bytes=1_000)
        cache.put("a", 200, b"x")
        assert cache.get("a") is None
    damaged = tmp_path / "damaged.db"
    damaged.write_bytes(b"no database at all, but long enough to be looked at" * 50)
    cache = AnswerCache(damaged, max_bytes=1_000)
    cache.put("a", 200, b"x")
    answer = cache.get("a")
    assert answer is not None and answer.body == b"x"
    cache.close()


def test_cache_keys_tell_requests_apart() -> None:
    keys = {
        cache_key("GET", "u", {"a": "1"}, None),
        cache_key("POST", "u", {"a": "1"}, None),
        cache_key("GET", "u", {"a": "2"}, None),
        cache_key("GET", "u", {"a": "1"}, {"ids": ["x"]}),
    }
    assert len(keys) == 4
    assert cache_key("GET", "u", {"a": "1", "b": "2"}, None) == cache_key("GET", "u", {"b": "2", "a": "1"}, None)
