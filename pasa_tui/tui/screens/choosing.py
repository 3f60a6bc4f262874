"""What the next search is to be like: where it looks, up to which day, which model searches, what it may cost."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.screen import Screen

from pasa_tui.errors import PasaError
from pasa_tui.tui.panes.query import SearchOptions
from pasa_tui.tui.panes.status import StatusLine

if TYPE_CHECKING:
    from pasa_tui.assembly import Expectation
    from pasa_tui.library import Library
    from pasa_tui.session import SearchRequest
    from pasa_tui.tui.places import Place
    from pasa_tui.tui.runs import SearchView

NamedChoices = Sequence[tuple[str, str]]
"""(name, description) pairs."""


def _nothing_expected(request: "SearchRequest", library: "Library") -> "Expectation | None":
    return None


@dataclass(frozen=True, slots=True)
class Choices:
    """What there is to choose from, and what a search is likely to cost; each asked when it is needed."""

    corpora: Callable[[], NamedChoices]
    models: Callable[[], NamedChoices] = lambda: (("builtin", "needs no language model"),)
    expect: "Callable[[SearchRequest, Library], Expectation | None]" = _nothing_expected


class Choosing(Screen[None]):
    """The part of the search screen that asks; its choices hold for the next search."""

    _place: "Place"
    _model: str
    _choices: Choices
    _online: bool
    _view: "SearchView | None"

    def action_corpus(self) -> None:
        """Choose where the next search looks."""
        from pasa_tui.tui.screens.asking import ask_place

        ask_place(self, self._place, self._choices.corpora, self._use_place)

    def _use_place(self, place: "Place") -> None:
        self._place = place
        self.query_one(SearchOptions).place = place.label
        self._show_ready()

    def action_model(self) -> None:
        """Choose which model searches next."""
        from pasa_tui.tui.screens.asking import ask_model

        ask_model(self, self._model, self._choices.models, self._use_model)

    def _use_model(self, model: str) -> None:
        self._model = model
        self.query_one(SearchOptions).model = model

    def action_cut_off(self) -> None:
        """Ask for the last day papers may date from."""
        from pasa_tui.tui.screens.asking import ask_cut_off

        ask_cut_off(self, self.query_one(SearchOptions).before, self._use_cut_off)

    def _use_cut_off(self, before: str) -> None:
        self.query_one(SearchOptions).before = before

    def ask_cost(self, request: "SearchRequest", library: "Library", begin: Callable[[], None]) -> None:
        """Begin, after saying what the search is likely to cost; where that is money or minutes, ask first."""
        from pasa_tui.tui.screens.asking import ask_expected, show_error

        try:
            expected = self._choices.expect(request, library)
        except PasaError as error:
            show_error(self, error)
            return
        if expected is not None and (expected.asks or expected.is_slow):
            ask_expected(self, request.model, expected, begin)
            return
        if expected is not None:
            limit = f", at most ${expected.limit:g}" if expected.is_paid else ""
            self.notify(f"{expected.text}{limit}", title=request.model, markup=False)
        begin()

    def network_known(self, *, online: bool) -> None:
        """Whether the live sources can be reached was found out."""
        self._online = online
        self._show_ready()

    def _show_ready(self) -> None:
        if self._view is None:
            self.query_one(StatusLine).show(None, self._place_of(None))

    def _place_of(self, view: "SearchView | None") -> str:
        if view is not None:
            return type(self._place).of_request(view.request, self._place.settled).searched(view.state)
        return self._place.expected(online=self._online)
