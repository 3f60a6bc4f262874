"""Run the services for a person: `python -m tests.services --port 8901 --latency search=0.6`."""

import argparse
import asyncio

from tests.services.literature import Literature
from tests.services.server import Loopback, Services
from tests.services.zotero import KEY, Zotero
from tests.services.zotero_connector import ZoteroConnector

_ZOTERO = {"zotero": "/zotero", "zotero-program": "/zotero-program"}


def _latency(text: str) -> tuple[str, float]:
    name, _, seconds = text.partition("=")
    return name, float(seconds)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.services", description=__doc__)
    parser.add_argument("--port", type=int, default=8901, help="that of the sources; Zotero has the next")
    parser.add_argument("--papers", type=int, default=600)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--openalex-budget", type=int, default=10_000, help="credits a day")
    parser.add_argument(
        "--latency",
        type=_latency,
        nargs="*",
        default=[],
        metavar="NAME=SECONDS",
        help='a service ("openalex"), a kind ("search") or both ("openalex search")',
    )
    return parser.parse_args()


async def _serve(arguments: argparse.Namespace) -> None:
    literature = Literature.invent(arguments.papers, arguments.seed)
    zotero = Loopback({"zotero": Zotero(), "zotero-program": ZoteroConnector()}, _ZOTERO, port=arguments.port + 1)
    async with Services(literature, port=arguments.port) as services, zotero:
        services.latency.update(arguments.latency)
        services.openalex_budget = arguments.openalex_budget
        for name, url in {**services.urls, **zotero.urls}.items():
            print(f"{name:18}{url}")
        print(f"{'key of Zotero':18}{KEY}")
        print("Papers to ask for:")
        for work in literature.works[-3:]:
            print(f"  {work.arxiv_id or work.doi or '(no id)':24}{work.title}")
        await asyncio.Event().wait()


if __name__ == "__main__":
    try:
        asyncio.run(_serve(_arguments()))
    except KeyboardInterrupt:
        print()
