"""The loopback Zotero enforces the rules of the real one."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.services.server import Loopback
from tests.services.zotero import KEY, Zotero

ITEM = {"itemType": "preprint", "title": "x"}


@pytest.fixture
async def client(server: Loopback) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Zotero-API-Key": KEY, "Zotero-API-Version": "3"}
    async with httpx.AsyncClient(base_url=server.urls["zotero"] + "/users/475425", headers=headers) as made:
        yield made


async def post(client: httpx.AsyncClient, objects: Any, path: str = "/items", **headers: str) -> httpx.Response:
    return await client.post(path, json=objects, headers={name.replace("_", "-"): headers[name] for name in headers})


async def test_a_token_is_good_for_one_write_that_succeeds(client: httpx.AsyncClient, zotero: Zotero) -> None:
    refused = await post(client, [ITEM] * 51, Zotero_Write_Token="a" * 32)
    assert refused.status_code == 413
    assert (await post(client, [ITEM], Zotero_Write_Token="a" * 32)).json()["success"].keys() == {"0"}
    again = await post(client, [ITEM], Zotero_Write_Token="a" * 32)
    assert again.status_code == 412 and len(zotero.mine.items) == 1


async def test_versions(client: httpx.AsyncClient, zotero: Zotero) -> None:
    first = await post(client, [ITEM | {"key": "AAAAAAAA"}], If_Unmodified_Since_Version="0")
    assert first.headers["last-modified-version"] == "1" and zotero.mine.version == 1
    assert (await post(client, [ITEM], If_Unmodified_Since_Version="0")).status_code == 412
    unversioned = (await post(client, [ITEM | {"key": "BBBBBBBB"}])).json()
    assert unversioned["failed"]["0"]["code"] == 428
    same = await post(client, [{"key": "AAAAAAAA", "title": "x"}], If_Unmodified_Since_Version="1")
    assert same.json()["unchanged"] == {"0": "AAAAAAAA"} and zotero.mine.version == 1


@pytest.mark.parametrize(
    ("item", "code"),
    [
        ({"itemType": "paper"}, 400),
        ({"title": "x"}, 400),
        (ITEM | {"publicationTitle": "x"}, 400),
        (ITEM | {"key": "not a key"}, 400),
        (ITEM | {"creators": [{"creatorType": "author", "lastName": "x"}]}, 400),
        (ITEM | {"tags": [{"tag": "x" * 256}]}, 413),
        (ITEM | {"abstractNote": "x" * 65_536}, 413),
        (ITEM | {"collections": ["CCCCCCCC"]}, 409),
        ({"itemType": "note", "note": "x", "parentItem": "PPPPPPPP"}, 409),
    ],
)
async def test_what_the_schema_forbids_fails_alone(client: httpx.AsyncClient, item: dict[str, Any], code: int) -> None:
    answer = (await post(client, [item, ITEM], If_Unmodified_Since_Version="0")).json()
    assert answer["failed"].keys() == {"0"} and answer["failed"]["0"]["code"] == code
    assert answer["success"].keys() == {"1"}


async def test_pages(client: httpx.AsyncClient, zotero: Zotero) -> None:
    for number in range(30):
        zotero.mine.add(f"K{number:07d}", title="x")
    page = await client.get("/items")
    assert len(page.json()) == 25 and page.headers["total-results"] == "30" and "next" in page.links
    rest = await client.get("/items", params={"start": "25", "since": "3"})
    assert len(rest.json()) == 2 and "next" not in rest.links
    assert (await client.get("/items", headers={"Zotero-API-Version": "2"})).status_code == 400
    assert (await client.get("/items", headers={"Zotero-API-Key": "other"})).status_code == 403
