import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pasa_tui.config.settings import SourceSettings
from pasa_tui.errors import ConfigError
from pasa_tui.sources.catalogue import SOURCES, parse_sources, split_names
from pasa_tui.sources.live import services_of


def test_auto_is_what_needs_no_key_and_what_has_one() -> None:
    free = ("arxiv", "ar5iv", "arxiv-html", "semantic-scholar", "openalex")
    assert parse_sources("auto", lambda name: False) == free
    assert parse_sources(" AUTO ", lambda name: name == "serper") == (*free, "serper")


def test_names_are_taken_in_their_order_each_once() -> None:
    assert parse_sources("openalex, arxiv,openalex,corpus", lambda name: False) == ("openalex", "arxiv", "corpus")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("scopus", "no source 'scopus'"),
        ("auto,arxiv", "no source 'auto'"),
        ("serper", "needs a key"),
        ("ar5iv", "None of these sources can search"),
        (",", "None of these sources can search"),
    ],
)
def test_what_cannot_be_is_refused_with_what_to_do(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as refused:
        parse_sources(text, lambda name: False)
    assert refused.value.hint


@given(st.text())
def test_any_text_names_sources_or_is_refused(text: str) -> None:
    try:
        names = parse_sources(text, lambda name: True)
    except ConfigError:
        return
    assert names and (set(names) <= {*SOURCES, "corpus"})


def test_every_source_has_a_service_and_a_setting() -> None:
    settings = {field.name for field in dataclasses.fields(SourceSettings)}
    assert {info.url_setting for info in SOURCES.values()} <= settings
    services = services_of(list(SOURCES), SourceSettings(), {"serper": "k", "openalex": "k", "semantic-scholar": "k"})
    assert {service.name for service in services} == set(SOURCES) - {"semantic-scholar-snippets"}
    # arXiv's terms: one connection, a request every three seconds, whoever asks.
    for service in services:
        if service.name in ("arxiv", "arxiv-html"):
            assert (service.interval, service.connections, service.shared) == (3.0, 1, True)
            assert (service.gate or service.name) == "arxiv"
    assert split_names("a,, B ,a") == ("a", "b")
