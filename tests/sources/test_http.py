import asyncio
import email.utils
import gzip
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pasa_tui.errors import SourceError
from pasa_tui.retries import retry_after
from pasa_tui.sources.asking import Answer, Ask
from pasa_tui.sources.http import Http
from tests.sources.conftest import SERVICE, everything_below

HttpFor = Callable[..., Http]
SECRET = "k3y-0f-somebody"


def body(answer: Answer) -> bytes:
    return answer.body


def answers(
    *responses: httpx.Response | Exception,
) -> tuple[Callable[[httpx.Request], httpx.Response], list[httpx.Request]]:
    """A handler that gives these one after another (the last for ever), and the requests it saw."""
    seen: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        response = responses[min(len(seen), len(responses) - 1)]
        seen.append(request)
        if isinstance(response, Exception):
            raise response
        return response

    return handle, seen


async def test_an_answer_is_asked_for_once_and_then_cached(http_for: HttpFor) -> None:
    handler, seen = answers(httpx.Response(200, content=b"first"), httpx.Response(200, content=b"second"))
    http = http_for(handler)
    ask = Ask(path="/x", params={"q": "1"})
    assert [await http.ask("s", ask, body), await http.ask("s", ask, body)] == [b"first", b"first"]
    assert await http.ask("s", replace(ask, params={"q": "2"}), body) == b"second"
    usage = http.usage()[0]
    assert (usage.requests, usage.cached, len(seen)) == (2, 1, 2)
    await http.close()


async def test_an_old_answer_is_asked_for_again_with_its_etag(http_for: HttpFor) -> None:
    handler, seen = answers(httpx.Response(200, content=b"text", headers={"ETag": '"1"'}), httpx.Response(304))
    http = http_for(handler, replace(SERVICE, lifetime=0.0))
    ask = Ask(path="/x")
    assert [await http.ask("s", ask, body), await http.ask("s", ask, body)] == [b"text", b"text"]
    assert seen[1].headers["if-none-match"] == '"1"'
    assert http.usage()[0].requests == 2


async def test_no_store_is_not_stored(http_for: HttpFor) -> None:
    handler, seen = answers(httpx.Response(200, content=b"x", headers={"Cache-Control": "no-store"}))
    http = http_for(handler)
    for _ in range(2):
        await http.ask("s", Ask(path="/x"), body)
    assert len(seen) == 2


@pytest.mark.parametrize(
    "failure",
    [
        httpx.Response(500),
        httpx.Response(503, headers={"Retry-After": "0"}),
        httpx.Response(429),
        httpx.ReadError("cut"),
        httpx.RemoteProtocolError("half"),
        httpx.ReadTimeout("slow"),
        httpx.Response(200, content=b"<html>an error page</html>"),
    ],
    ids=str,
)
async def test_what_may_pass_is_tried_again(http_for: HttpFor, failure: Any) -> None:
    handler, seen = answers(failure, failure, httpx.Response(200, content=b"{}"))

    def parse(answer: Answer) -> str:
        if answer.body != b"{}":
            raise ValueError("not that")
        return "parsed"

    http = http_for(handler)
    assert await http.ask("s", Ask(path="/x"), parse) == "parsed"
    usage = http.usage()[0]
    assert (len(seen), usage.retried, usage.failed) == (3, 2, 0)
    # What could not be understood was not kept either.
    assert await http.ask("s", Ask(path="/x"), parse) == "parsed"


async def test_a_host_that_refuses_twice_is_not_there(http_for: HttpFor) -> None:
    handler, seen = answers(httpx.ConnectError("no"), httpx.Response(200), httpx.ConnectTimeout("no"))
    two = replace(SERVICE, name="t", base_url="https://t.test")
    http = http_for(handler, SERVICE, two)
    assert await http.ask("s", Ask(path="/1"), lambda answer: answer.status) == 200
    with pytest.raises(SourceError, match="takes no connection in time"):
        await http.ask("s", Ask(path="/2"), body)
    assert len(seen) == 4


async def test_without_a_network_nobody_is_asked_any_more(http_for: HttpFor) -> None:
    refused = httpx.ConnectError("no")
    refused.__cause__ = ConnectionRefusedError(111, "refused")
    handler, seen = answers(refused)
    http = http_for(handler, SERVICE, replace(SERVICE, name="t", base_url="https://t.test"))
    for name in ("s", "t"):
        with pytest.raises(SourceError, match="refuses the connection"):
            await http.ask(name, Ask(path="/1"), body)
    assert http.is_lost
    with pytest.raises(SourceError, match="No source can be reached"):
        await http.ask("s", Ask(path="/2"), body)
    assert len(seen) == 4 and len(http.new_troubles()) == 2


@pytest.mark.parametrize("status", [400, 404, 410])
async def test_what_will_not_pass_is_not_tried_again(http_for: HttpFor, status: int) -> None:
    handler, seen = answers(httpx.Response(status))
    with pytest.raises(SourceError, match=str(status)):
        await http_for(handler).ask("s", Ask(path="/x"), body)
    assert len(seen) == 1


async def test_an_accepted_status_is_an_answer(http_for: HttpFor) -> None:
    handler, _ = answers(httpx.Response(404))
    http = http_for(handler)
    assert await http.ask("s", Ask(path="/x", accept=frozenset({404})), lambda answer: answer.status) == 404


async def test_a_long_retry_after_is_not_waited_for_and_the_source_rests(http_for: HttpFor) -> None:
    handler, seen = answers(httpx.Response(429, headers={"Retry-After": "43200"}))
    http = http_for(handler)
    with pytest.raises(SourceError, match=r"12\.0 h"):
        await http.ask("s", Ask(path="/x", lane="paid"), body)
    with pytest.raises(SourceError, match="Left alone"):
        await http.ask("s", Ask(path="/y", lane="paid"), body)
    assert len(seen) == 1 and http.is_resting("s", "paid") and not http.is_resting("s")


async def test_nothing_is_waited_for_past_the_end_of_the_search(http_for: HttpFor) -> None:
    handler, seen = answers(httpx.Response(429, headers={"Retry-After": "20"}))
    http = http_for(handler, seconds_left=lambda: 5.0)
    with pytest.raises(SourceError, match="20 s"):
        await http.ask("s", Ask(path="/x"), body)
    assert len(seen) == 1


async def test_a_source_that_keeps_failing_is_left_alone(http_for: HttpFor) -> None:
    handler, seen = answers(httpx.Response(500))
    http = http_for(handler)
    for number in range(8):
        with pytest.raises(SourceError):
            await http.ask("s", Ask(path=f"/{number}"), body)
    assert len(seen) == 5 * 4 and http.is_resting("s")
    messages = [trouble.message for trouble in http.new_troubles()]
    assert messages[0] == "It failed with HTTP 500." and len(messages) == len(set(messages))
    assert http.new_troubles() == ()


async def test_a_bounded_number_of_requests(http_for: HttpFor) -> None:
    handler, seen = answers(httpx.Response(200))
    http = http_for(handler, replace(SERVICE, max_requests=2))
    for number in range(2):
        await http.ask("s", Ask(path=f"/{number}"), body)
    for number in range(2, 4):
        with pytest.raises(SourceError):
            await http.ask("s", Ask(path=f"/{number}"), body)
    assert len(seen) == 2


async def test_a_large_body_is_cut_off_and_so_is_one_that_unpacks_large(http_for: HttpFor) -> None:
    for response in (
        httpx.Response(200, content=b"x" * 3_000_000),
        httpx.Response(200, content=gzip.compress(b"x" * 30_000_000), headers={"Content-Encoding": "gzip"}),
        httpx.Response(200, content=zlib.compress(b"x" * 30_000_000), headers={"Content-Encoding": "deflate"}),
    ):
        handler, seen = answers(response)
        with pytest.raises(SourceError, match="larger than 2 MB"):
            await http_for(handler, replace(SERVICE, max_bytes=2_000_000)).ask("s", Ask(path="/x"), body)
        assert len(seen) == 1


@pytest.mark.parametrize(("encoding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress), ("", bytes)])
async def test_packed_answers_are_read(http_for: HttpFor, encoding: str, pack: Callable[[bytes], bytes]) -> None:
    text = b"some text " * 1000
    handler, seen = answers(httpx.Response(200, content=pack(text), headers={"Content-Encoding": encoding}))
    assert await http_for(handler).ask("s", Ask(path="/x"), body) == text
    assert seen[0].headers["accept-encoding"] == "gzip, deflate"


async def test_a_body_packed_twice_is_not_unpacked(http_for: HttpFor) -> None:
    twice = gzip.compress(gzip.compress(b"x"))
    handler, _ = answers(httpx.Response(200, headers={"Content-Encoding": "gzip, gzip"}, content=twice))
    with pytest.raises(SourceError, match="not asked for"):
        await http_for(handler).ask("s", Ask(path="/x"), body)


async def test_a_redirect_is_a_request_of_its_own_and_keeps_its_parameters(http_for: HttpFor) -> None:
    place = httpx.Response(301, headers={"Location": "/api/y?select=id&must=1"})
    handler, seen = answers(place, httpx.Response(200, content=b"there"))
    http = http_for(handler, replace(SERVICE, secret_params=MappingProxyType({"api_key": SECRET})))
    assert await http.ask("s", Ask(path="/x", params={"a": "1"}), body) == b"there"
    assert dict(seen[1].url.params) == {"select": "id", "must": "1", "api_key": SECRET}
    assert http.usage()[0].requests == 2


@pytest.mark.parametrize("place", ["http://[", "//[x", "http://s.test:port/"])
async def test_a_redirect_to_no_address_is_a_failure(http_for: HttpFor, place: str) -> None:
    handler, _ = answers(httpx.Response(302, headers={"Location": place}))
    with pytest.raises(SourceError):
        await http_for(handler).ask("s", Ask(path="/x"), body)


async def test_an_odd_etag_is_not_sent_back(http_for: HttpFor) -> None:
    handler, seen = answers(httpx.Response(200, content=b"x", headers=[(b"ETag", b'"\xe9"')]))
    http = http_for(handler, replace(SERVICE, lifetime=0.0))
    for _ in range(2):
        assert await http.ask("s", Ask(path="/x"), body) == b"x"
    assert "if-none-match" not in seen[1].headers


@pytest.mark.parametrize("place", ["https://elsewhere.test/x", "http://s.test/x", "file:///etc/passwd", "//evil.test/"])
async def test_no_redirect_leads_off_the_known_hosts(http_for: HttpFor, place: str) -> None:
    handler, seen = answers(httpx.Response(302, headers={"Location": place}))
    with pytest.raises(SourceError, match="not followed"):
        await http_for(handler).ask("s", Ask(path="/x"), body)
    assert len(seen) == 1


async def test_a_redirect_to_a_known_host_is_followed_without_the_key(http_for: HttpFor) -> None:
    handler, seen = answers(
        httpx.Response(301, headers={"Location": "https://t.test/other"}), httpx.Response(200, content=b"there")
    )
    secret = replace(
        SERVICE, secret=MappingProxyType({"x-api-key": SECRET}), secret_params=MappingProxyType({"k": SECRET})
    )
    http = http_for(handler, secret, replace(SERVICE, name="t", base_url="https://t.test"))
    assert await http.ask("s", Ask(path="/x"), body) == b"there"
    assert seen[0].headers["x-api-key"] == SECRET and seen[0].url.params["k"] == SECRET
    assert "x-api-key" not in seen[1].headers and SECRET not in str(seen[1].url)


async def test_circles_end(http_for: HttpFor) -> None:
    handler, _ = answers(httpx.Response(302, headers={"Location": "https://s.test/api/x"}))
    with pytest.raises(SourceError, match="circles"):
        await http_for(handler).ask("s", Ask(path="/x"), body)


async def test_a_redirect_out_of_the_address_can_mean_nothing_there(http_for: HttpFor) -> None:
    handler, seen = answers(httpx.Response(307, headers={"Location": "https://arxiv.test/abs/1"}))
    ask = Ask(path="/1", accept=frozenset({404}), within=True)
    assert await http_for(handler).ask("s", ask, lambda answer: answer.status) == 404
    assert len(seen) == 1


@pytest.mark.parametrize(("status", "secret"), [(401, {"x-api-key": SECRET}), (403, {})])
async def test_a_refused_key_ends_it_for_this_source(http_for: HttpFor, status: int, secret: dict[str, str]) -> None:
    handler, seen = answers(httpx.Response(status, content=SECRET.encode()))
    http = http_for(handler, replace(SERVICE, secret=MappingProxyType(secret)))
    with pytest.raises(SourceError, match="key") as refused:
        await http.ask("s", Ask(path="/x"), body)
    with pytest.raises(SourceError, match="rest of this search"):
        await http.ask("s", Ask(path="/y"), body)
    assert len(seen) == 1 and SECRET not in str(refused.value)


async def test_the_key_is_written_nowhere(http_for: HttpFor, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    responses = (httpx.Response(200, content=b"ok"), httpx.Response(500), httpx.ReadError(SECRET))
    service = replace(
        SERVICE, secret=MappingProxyType({"x-api-key": SECRET}), secret_params=MappingProxyType({"api_key": SECRET})
    )
    for response in responses:
        handler, _ = answers(response)
        http = http_for(handler, service)
        outcome = (await asyncio.gather(http.ask("s", Ask(path=f"/{id(response)}"), body), return_exceptions=True))[0]
        assert outcome == b"ok" or (isinstance(outcome, SourceError) and SECRET not in str(outcome))
        await http.close()
    assert SECRET not in repr(service) and SECRET not in caplog.text
    assert SECRET.encode() not in everything_below(tmp_path)


async def test_who_asks_says_so(http_for: HttpFor) -> None:
    handler, seen = answers(httpx.Response(200))
    await http_for(handler, contact="me@example.org").ask("s", Ask(path="/x"), body)
    assert seen[0].headers["user-agent"].startswith("pasa-tui/") and "me@example.org" in seen[0].headers["user-agent"]


async def test_services_of_one_gate_keep_one_pace(http_for: HttpFor) -> None:
    now, most = 0, 0

    async def handle(request: httpx.Request) -> httpx.Response:
        nonlocal now, most
        now += 1
        most = max(most, now)
        for _ in range(5):
            await asyncio.sleep(0)
        now -= 1
        return httpx.Response(200)

    one = replace(SERVICE, connections=1, gate="together")
    http = http_for(handle, one, replace(one, name="t", base_url="https://t.test"))
    await asyncio.gather(*(http.ask(name, Ask(path=f"/{at}"), body) for at in range(4) for name in ("s", "t")))
    assert most == 1


async def test_no_more_connections_than_allowed(http_for: HttpFor) -> None:
    now, most = 0, 0

    async def handle(request: httpx.Request) -> httpx.Response:
        nonlocal now, most
        now += 1
        most = max(most, now)
        for _ in range(5):
            await asyncio.sleep(0)
        now -= 1
        return httpx.Response(200)

    http = http_for(handle, replace(SERVICE, connections=3))
    await asyncio.gather(*(http.ask("s", Ask(path=f"/{number}"), body) for number in range(12)))
    assert most == 3


def test_retry_after_in_both_forms() -> None:
    date = email.utils.formatdate(1_000_100, usegmt=True)
    assert retry_after("7") == 7.0 and retry_after(date, lambda: 1_000_000) == 100.0
    assert retry_after("-5") == 0.0
    assert [retry_after(text) for text in (None, "soon", "", "nan", "inf", "1e999")] == [None] * 6


@given(st.text())
def test_any_retry_after_is_seconds_or_none(text: str) -> None:
    seconds = retry_after(text)
    assert seconds is None or seconds >= 0
