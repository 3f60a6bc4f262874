"""Rounds of sessions: all search sessions of many questions at once, then all expand sessions, twice.

A session is one answer of the Crawler: of a search session the prompt is the question, of an expand session the
question and a paper with its sections. All sessions of a round are written in common batches, and what they ask for is
searched and followed at the same time.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from pasa_tui.models.engines.protocol import Prompt
from pasa_tui.models.prompts.protocol import PromptSet
from pasa_tui.papers import Paper, PaperId
from pasa_tui.training.session_ppo.environment import Environment, Question
from pasa_tui.training.session_ppo.marks import Mark, marks_of
from pasa_tui.training.session_ppo.settings import PpoSettings

Write = Callable[[Sequence[Sequence[int]]], Sequence[list[int]]]
"""Answers to prompts, both in tokens, in order."""


@dataclass(frozen=True, slots=True)
class TokenCodec:
    """Prompts to tokens, and answers to text."""

    encode: Callable[[Prompt], list[int]]
    decode: Callable[[Sequence[int]], str]


@dataclass(frozen=True, slots=True)
class TakenAction:
    """An action: its mark, the papers that nobody had met before, and how many of them are worth finding."""

    mark: Mark
    found: tuple[Paper, ...]
    hits: int


@dataclass(slots=True)
class Session:
    """One answer of the Crawler and what came of it. `paper` is None for a search session."""

    prompt: list[int]
    paper: Paper | None
    depth: int
    answer: list[int] = field(default_factory=list)
    actions: list[TakenAction] = field(default_factory=list)


@dataclass(slots=True)
class Episode:
    """A question, the papers met in order with their scores, and the sessions that met them."""

    question: Question
    queue: dict[PaperId, Paper] = field(default_factory=dict)
    scores: dict[PaperId, float] = field(default_factory=dict)
    expanded: set[PaperId] = field(default_factory=set)
    sessions: list[Session] = field(default_factory=list)

    @property
    def recall(self) -> float:
        """The share of the answers among the papers met."""
        return self.question.recall(list(self.queue.values()))


class EpisodeRunner:
    """Runs episodes in an environment, with what `write` answers."""

    def __init__(
        self, environment: Environment, prompts: PromptSet, codec: TokenCodec, settings: PpoSettings, write: Write
    ) -> None:
        self._environment = environment
        self._prompts = prompts
        self._codec = codec
        self._settings = settings
        self._write = write

    async def run(self, questions: Sequence[Question]) -> list[Episode]:
        """One episode per question, in order. Raises ModelError where the Selector fails."""
        episodes = [Episode(question) for question in questions]
        sessions = [
            Session(self._codec.encode(self._prompts.searches(one.question.query)), None, 0) for one in episodes
        ]
        await self._play(list(zip(episodes, sessions, strict=True)))
        for depth in range(1, self._settings.expand_rounds + 1):
            opened = await asyncio.gather(*(self._open(episode, depth) for episode in episodes))
            await self._play([(one, each) for one, new in zip(episodes, opened, strict=True) for each in new])
        return episodes

    async def prompt_of(self, question: Question, paper: Paper) -> list[int] | None:
        """The prompt of the session that would expand the paper; None where it can't be read."""
        names = [section.name for section in await self._environment.sections(paper)]
        return self._codec.encode(self._prompts.sections(question.query, paper, names)) if names else None

    async def _open(self, episode: Episode, depth: int) -> list[Session]:
        """Sessions on the best papers that were met and not expanded yet; of equal ones the earlier met first."""
        waiting = [paper for paper in episode.queue.values() if paper.id not in episode.expanded]
        waiting.sort(key=lambda paper: -episode.scores.get(paper.id, 0.0))
        sessions: list[Session] = []
        for paper in waiting:
            if len(sessions) >= self._settings.expand_papers:
                break
            episode.expanded.add(paper.id)
            if (prompt := await self.prompt_of(episode.question, paper)) is not None:
                sessions.append(Session(prompt, paper, depth))
        return sessions

    async def _play(self, sessions: Sequence[tuple[Episode, Session]]) -> None:
        answers = self._write([session.prompt for _, session in sessions])
        for (episode, session), answer in zip(sessions, answers, strict=True):
            session.answer = answer
            episode.sessions.append(session)
        results = await asyncio.gather(*(self._act(episode, session) for episode, session in sessions))
        # What was met when the round began earns nothing in any of its sessions, whichever of them comes first.
        known = {id(episode): frozenset(episode.queue) for episode, _ in sessions}
        met: dict[int, dict[PaperId, Paper]] = {id(episode): {} for episode, _ in sessions}
        for (episode, _), taken in zip(sessions, results, strict=True):
            met[id(episode)] |= {paper.id: paper for _, found in taken for paper in found}
        episodes = list({id(episode): episode for episode, _ in sessions}.values())
        await asyncio.gather(*(self._judge(episode, list(met[id(episode)].values())) for episode in episodes))
        for (episode, session), taken in zip(sessions, results, strict=True):
            self._reward(episode, session, taken, known[id(episode)])

    async def _act(self, episode: Episode, session: Session) -> list[tuple[Mark, list[Paper]]]:
        """Do what an answer asks for: every action once, searches up to their limit."""
        query, paper = episode.question.query, session.paper
        marks = marks_of(session.answer, self._codec.decode)
        wanted = "search" if paper is None else "expand"
        done: dict[str, list[Paper]] = {}
        taken: list[tuple[Mark, list[Paper]]] = []
        for mark in marks:
            if mark.kind not in (wanted, "stop"):
                continue
            found: list[Paper] = []
            key = mark.text.casefold()
            full = paper is None and len(done) >= self._settings.search_queries
            if mark.kind != "stop" and mark.text and key not in done and not full:
                if paper is None:
                    found = await self._environment.search(query, mark.text)
                else:
                    found = await self._environment.follow(query, paper, mark.text)
                done[key] = found
            taken.append((mark, found))
        return taken

    async def _judge(self, episode: Episode, papers: Sequence[Paper]) -> None:
        new = [paper for paper in papers if paper.id not in episode.queue]
        episode.scores |= await self._environment.judge(episode.question, new)

    def _reward(
        self, episode: Episode, session: Session, taken: Sequence[tuple[Mark, list[Paper]]], known: frozenset[PaperId]
    ) -> None:
        seen = set(known)
        if session.paper is not None:
            seen.add(session.paper.id)
        for mark, found in taken:
            new = tuple(paper for paper in found if paper.id not in seen)
            seen.update(paper.id for paper in new)
            hits = sum(self._environment.is_wanted(episode.question, paper, episode.scores) for paper in new)
            session.actions.append(TakenAction(mark, new, hits))
            for paper in new:
                episode.queue.setdefault(paper.id, paper)
