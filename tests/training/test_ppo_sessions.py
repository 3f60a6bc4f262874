"""Sessions: what an answer asks for, what it earns, and which papers are opened next."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pasa_tui.errors import SourceError, TrainingError
from pasa_tui.models.prompts.published import PublishedPrompts
from pasa_tui.papers import Citation, Paper, Query, Section
from pasa_tui.training.session_ppo.environment import Environment, Question
from pasa_tui.training.session_ppo.episodes import Episode, EpisodeRunner, TokenCodec
from pasa_tui.training.session_ppo.marks import STOPS, cut_after_stop, marks_of
from pasa_tui.training.session_ppo.settings import PpoSettings
from tests.helpers import ScriptedSelector, paper
from tests.training.world import TEMPLATES

END = 0x110000 - 1
SETTINGS = PpoSettings(expand_papers=2)


def decode(tokens: Sequence[int]) -> str:
    """One character a token."""
    return "".join(chr(token) for token in tokens if token != END)


def encode(text: str) -> list[int]:
    return [ord(letter) for letter in text]


def test_marks_are_read_with_their_brackets() -> None:
    text = "so [Search]dense  retrieval[Search]ranking [x][StopSearch][Search]late"
    marks = marks_of(encode(text), decode)
    assert [(mark.kind, mark.text) for mark in marks] == [
        ("search", "dense retrieval"),
        ("search", "ranking [x]"),
        ("stop", ""),
    ]
    first, second, stop = (text.index(each) for each in ("[Search]d", "[Search]r", "[Stop"))
    assert [(mark.opens, mark.closes) for mark in marks] == [(first, second), (second, stop), (stop, stop)]
    (cut,) = marks_of(encode("[Expand]Intro"), decode)
    assert (cut.opens, cut.closes) == (0, len("[Expand]Intro") - 1)
    assert marks_of(encode("no marks here, [search]small"), decode) == []


pieces = st.lists(st.sampled_from(["[Search]", "[Expand]", *STOPS, "a b", "[", "]", "é", "\n"]), max_size=12)


@given(pieces, st.integers(1, 5))
def test_brackets_are_found_whatever_the_tokens_are(parts: list[str], size: int) -> None:
    text = "".join(parts)
    tokens = [text[start : start + size] for start in range(0, len(text), size)]
    marks = marks_of(list(range(len(tokens))), lambda chosen: "".join(tokens[each] for each in chosen))
    for mark in marks:
        assert "[" in tokens[mark.opens]
        assert mark.opens <= mark.closes < len(tokens)
    assert [mark.opens for mark in marks] == sorted(mark.opens for mark in marks)
    assert [mark.kind for mark in marks].count("stop") <= 1


@given(pieces, st.booleans(), st.text("xyz[]", max_size=4))
def test_what_follows_a_stop_is_cut_off_but_an_end_token_right_behind_it(
    parts: list[str], ends: bool, tail: str
) -> None:
    before = "".join(part for part in parts if part not in STOPS)
    if any(stop in before for stop in STOPS):
        return
    answer = encode(before + STOPS[0]) + ([END] if ends else [])
    assert cut_after_stop([*answer, *encode(tail)], decode, frozenset({END})) == answer


class World:
    """Searches and sections by tables; the search `broken` and the section `Broken` fail."""

    name = "world"

    def __init__(self, searches: dict[str, list[Paper]], sections: dict[str, dict[str, list[Paper]]]) -> None:
        self.searches = searches
        self.contents = sections
        self.asked: list[str] = []

    async def search(self, text: str, *, limit: int, before: date | None) -> Sequence[Paper]:
        self.asked.append(text)
        if text == "broken":
            raise SourceError("It is down.")
        return self.searches.get(text, [])[:limit]

    async def read(self, paper: Paper) -> Sequence[Section]:
        found = self.contents.get(str(paper.id), {})
        return [Section(name, tuple(Citation.of(cited) for cited in papers)) for name, papers in found.items()]

    async def resolve(self, citations: Sequence[Citation]) -> Sequence[Paper | None]:
        known = {each.title: each for found in self.contents.values() for papers in found.values() for each in papers}
        return [known.get(citation.title) for citation in citations]


def question(*answers: int, before: date | None = None) -> Question:
    return Question("q", Query("the question", before), tuple(frozenset({str(paper(n).id)}) for n in answers))


async def play(
    world: World, answers: Sequence[str], asked: Question, settings: PpoSettings = SETTINGS, selector: object = None
) -> tuple[Episode, list[str]]:
    """The episode in which these are the model's answers, in order; and the prompts it was given."""
    from pasa_tui.agent import Sources

    sources = Sources(search=(world,), reader=world, resolver=world)
    environment = Environment(sources, selector, settings.search_papers)  # type: ignore[arg-type]
    left, prompts = list(answers), list[str]()

    def write(given: Sequence[Sequence[int]]) -> list[list[int]]:
        prompts.extend(map(decode, given))
        return [encode(left.pop(0)) if left else encode("[StopExpand]") for _ in given]

    codec = TokenCodec(lambda prompt: encode(prompt.text), decode)
    runner = EpisodeRunner(environment, PublishedPrompts(TEMPLATES, "x"), codec, settings, write)
    (episode,) = await runner.run([asked])
    return episode, prompts


async def test_new_papers_earn_once_in_a_session_and_those_known_before_earn_nothing() -> None:
    shared, other = paper(1), paper(2)
    world = World(
        {"a": [shared, other], "b": [shared, paper(3)]},
        {str(shared.id): {"Related": [other, paper(4)], "More": [paper(4), paper(5)]}},
    )
    answers = ["[Search]a[Search]b[Search]A[StopSearch]", "[Expand]Related[Expand]More[StopExpand]"]
    episode, _ = await play(world, answers, question(1, 3, 4, 5))
    search, expand = episode.sessions
    assert [len(action.found) for action in search.actions] == [2, 1, 0, 0]
    assert [action.hits for action in search.actions] == [1, 1, 0, 0]
    assert world.asked == ["a", "b"], "a search in other letters is the same"
    assert [action.hits for action in expand.actions] == [1, 1, 0]
    assert episode.recall == 1.0 and list(episode.queue) == [paper(n).id for n in (1, 2, 3, 4, 5)]


async def test_the_best_papers_are_opened_and_those_without_sections_are_passed_over() -> None:
    found = [paper(number) for number in range(1, 6)]
    world = World({"a": found}, {str(each.id): {"Intro": [paper(9)]} for each in found[1:]})
    selector = ScriptedSelector({str(paper(1).id): 0.9, str(paper(5).id): 0.8, str(paper(3).id): 0.7})
    episode, prompts = await play(world, ["[Search]a[StopSearch]"], question(9), selector=selector)
    opened = [session.paper.id for session in episode.sessions if session.paper]
    assert opened == [paper(n).id for n in (5, 3, 2, 4)], "two a round, the best first, then in the order met"
    assert [session.depth for session in episode.sessions] == [0, 1, 1, 2, 2]
    assert len(prompts) == 5 and "Intro" in prompts[1]
    assert episode.sessions[0].actions[0].hits == 3, "the Selector takes what it scores above one half"


async def test_searches_have_a_limit_and_failures_are_counted() -> None:
    world = World({str(n): [paper(n)] for n in range(9)}, {})
    text = "".join(f"[Search]{n}" for n in range(7)) + "[Expand]x[StopSearch]"
    episode, _ = await play(world, [text], question(1, 6))
    assert world.asked == list("01234") and [a.mark.kind for a in episode.sessions[0].actions].count("search") == 7
    assert sum(action.hits for action in episode.sessions[0].actions) == 1
    episode, _ = await play(world, ["[Search]broken[Search]1"], question(1))
    assert [action.hits for action in episode.sessions[0].actions] == [0, 1] and episode.recall == 1.0


async def test_papers_after_the_cut_off_are_not_met() -> None:
    late = paper(2, date=date(2022, 1, 1))
    world = World({"a": [paper(1), late]}, {str(paper(1).id): {"S": [late]}})
    episode, _ = await play(
        world, ["[Search]a[StopSearch]", "[Expand]S[StopExpand]"], question(1, 2, before=date(2021, 1, 1))
    )
    assert list(episode.queue) == [paper(1).id] and episode.recall == 0.5


@pytest.mark.parametrize(("name", "value"), [("episodes", 0), ("learning_rate", -1.0), ("clip", 0.0), ("kl", -0.1)])
def test_settings_that_make_no_sense_are_refused(name: str, value: float) -> None:
    with pytest.raises(TrainingError, match=name.replace("_", "-")):
        replace(PpoSettings(), **{name: value})


def test_the_published_defaults() -> None:
    """As design.md has them."""
    found = PpoSettings()
    assert (found.episodes, found.learning_rate, found.epochs, found.frozen_updates) == (16_000, 1e-6, 2, 50)
    assert (found.gain, found.cost, found.lowest_reward, found.highest_reward) == (1.5, 0.1, -0.1, 5.0)
    assert (found.gamma1, found.valued_papers, found.gamma, found.lam, found.kl) == (0.1, 5, 1.0, 0.95, 0.1)
    assert (found.clip, found.value_clip, found.value_weight) == (0.2, 0.2, 10.0)
    assert (found.expand_rounds, found.expand_papers, found.search_queries, found.search_papers) == (2, 6, 5, 10)
