"""What stopping early saves and loses, and how well the estimate of what is still out there predicts.

    python -m tests.benchmarks.bench_early_stop [--queries 120] [--home FOLDER]

Whole searches of the builtin agent on ../shared/bench are recorded and played again: papers arrive in the recorded
order, those that an unjudged paper led to don't arrive, and each is "judged" by an oracle. Oracles: `builtin`, the
score of the builtin Selector (which rises with the number of lists a paper is on, and so flatters early stopping and
flattens the estimate); `text`, the likeness of title and abstract to the question's words, whatever led to the paper,
as it is with a language model; `answers`, the question's published answers, few as they are. `text`
selects what is alike beyond 0.2 (cosine of tf-idf).

The estimate is made after searches with less than the whole (2 or 3 searches, fewer expansions; the defaults) and
compared with what searches of 50 results each bring besides, so the truth itself is a lower bound.
"""

import argparse
import asyncio
import math
import re
import statistics
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from pasa_tui.agent.bandit import JudgingOrder, StoppingRule
from pasa_tui.agent.discovery import Discovery, chao_bias_corrected, estimate_missing
from pasa_tui.cli.context import Context
from pasa_tui.cli.main import cli
from pasa_tui.config import Paths
from pasa_tui.config.settings import AgentSettings, load_settings
from pasa_tui.corpus import available
from pasa_tui.events import Event, PaperFound, PaperJudged, PaperMetAgain
from pasa_tui.library import Library
from pasa_tui.papers import Paper, PaperId, Provenance, Query
from pasa_tui.session import SearchRequest, Session
from pasa_tui.stopwords import STOP_WORDS
from tests.benchmarks.bench_search import BENCH, questions

LIKE = 0.2
FLOORS = (0.02, 0.05, 0.1, 0.15, 0.2, 0.3)
PATIENCE = (10, 20, 40, 80)
WIDE = "50 results"
ORACLES = ("builtin", "text", "answers")
Arrival = tuple[PaperId, Provenance]


@dataclass
class Recording:
    """One search, as it arrived: batches of (paper, way), each batch judged before the next."""

    batches: list[list[Arrival]] = field(default_factory=lambda: [[]])
    papers: dict[PaperId, Paper] = field(default_factory=dict)
    selected: set[PaperId] = field(default_factory=set)
    judged: dict[PaperId, None] = field(default_factory=dict)

    @classmethod
    def of(cls, events: Iterable[Event]) -> "Recording":
        recording = cls()
        for event in events:
            match event:
                case PaperFound():
                    recording.papers[event.paper.id] = event.paper
                    recording.batches[-1].append((event.paper.id, event.provenance))
                case PaperMetAgain():
                    recording.batches[-1].append((event.paper_id, event.provenance))
                case PaperJudged():
                    recording.judged[event.paper_id] = None
                    if event.selected:
                        recording.selected.add(event.paper_id)
                    if recording.batches[-1]:
                        recording.batches.append([])
        return recording

    def ways(self, papers: Iterable[PaperId]) -> list[int]:
        led: dict[PaperId, set[tuple[str, str, PaperId | None]]] = defaultdict(set)
        for paper_id, way in (arrival for batch in self.batches for arrival in batch):
            led[paper_id].add((way.kind, way.text, way.parent))
        return [len(led[paper_id]) for paper_id in papers]


@dataclass
class Question:
    """A question with its searches by the name of their settings, and which papers each oracle would select."""

    text: str
    answers: set[str]
    recordings: dict[str, Recording]
    relevant: dict[str, set[PaperId]] = field(default_factory=dict)


# -- recording --------------------------------------------------------------------------------------------------


def recorded(session: Session, settings: AgentSettings, count: int) -> list[Question]:
    variants = {
        "2 searches": replace(settings, search_queries=2, expand_papers=5, citing_papers=0),
        "3 searches": replace(settings, search_queries=3, expand_papers=10, citing_papers=0),
        "10 results": settings,
        WIDE: replace(settings, search_papers=50),
    }
    found = []
    for text, answers, _ in questions(count):
        runs = {
            name: asyncio.run(_events(session, SearchRequest(Query(text), "bench", one)))
            for name, one in variants.items()
        }
        found.append(Question(text, answers, {name: Recording.of(events) for name, events in runs.items()}))
    judge(found)
    return found


async def _events(session: Session, request: SearchRequest) -> list[Event]:
    return [event async for event in session.start(request).events()]


def judge(found: Sequence[Question]) -> None:
    papers = {p.id: p for question in found for run in question.recordings.values() for p in run.papers.values()}
    words = {paper_id: _words(f"{p.title} {p.title} {p.abstract}") for paper_id, p in papers.items()}
    frequency = Counter(word for counted in words.values() for word in counted)

    def vector(counted: Mapping[str, int]) -> dict[str, float]:
        raw = {w: (1 + math.log(n)) * math.log(1 + len(words) / (1 + frequency[w])) for w, n in counted.items()}
        length = math.sqrt(sum(value**2 for value in raw.values())) or 1.0
        return {word: value / length for word, value in raw.items()}

    vectors = {paper_id: vector(counted) for paper_id, counted in words.items()}
    for question in found:
        asked = vector(_words(question.text))
        met = {paper_id for run in question.recordings.values() for paper_id in run.papers}
        question.relevant = {
            "builtin": set().union(*(run.selected for run in question.recordings.values())),
            "text": {it for it in met if sum(v * vectors[it].get(w, 0.0) for w, v in asked.items()) > LIKE},
            "answers": {it for it in met if papers[it].source_id in question.answers},
        }


def _words(text: str) -> Counter[str]:
    return Counter(w.rstrip("s") for w in re.findall(r"[a-z]{2,}", text.lower()) if w not in STOP_WORDS)


# -- early stop -------------------------------------------------------------------------------------------------


class InOrder:
    """What the bandit is compared with: papers as they come, until `patience` in a row were not selected."""

    def __init__(self, patience: int) -> None:
        self.patience, self.misses = patience, 0
        self.waiting: dict[PaperId, None] = {}
        self.known: set[PaperId] = set()

    def add(self, paper_id: PaperId, way: Provenance) -> None:
        if paper_id not in self.known:
            self.known.add(paper_id)
            self.waiting[paper_id] = None

    def take(self, limit: int) -> list[PaperId]:
        taken = list(self.waiting)[:limit] if self.misses < self.patience else []
        for paper_id in taken:
            del self.waiting[paper_id]
        return taken

    def tell(self, paper_id: PaperId, selected: bool) -> None:
        self.misses = 0 if selected else self.misses + 1


class Bandit:
    """The bandit, told once of each paper, as a Selector that judges by title and abstract is asked once."""

    def __init__(self, rule: StoppingRule) -> None:
        self.order = JudgingOrder(rule)
        self.known: set[PaperId] = set()

    def add(self, paper_id: PaperId, way: Provenance) -> None:
        self.order.add(paper_id, way, judge=paper_id not in self.known)
        self.known.add(paper_id)

    def take(self, limit: int) -> list[PaperId]:
        return self.order.take(limit)

    def tell(self, paper_id: PaperId, selected: bool) -> None:
        self.order.tell(paper_id, selected)


def replay(recording: Recording, relevant: set[PaperId], order: InOrder | Bandit, batch: int) -> dict[PaperId, None]:
    """The papers judged, in order."""
    judged: dict[PaperId, None] = {}
    closed: dict[PaperId, list[Arrival]] = defaultdict(list)
    for arrivals in recording.batches:
        for paper_id, way in arrivals:
            if way.parent is None or way.parent in judged:
                order.add(paper_id, way)
            else:
                closed[way.parent].append((paper_id, way))
        while taken := order.take(batch):
            for paper_id in taken:
                judged[paper_id] = None
                order.tell(paper_id, paper_id in relevant)
                for arrival in closed.pop(paper_id, ()):
                    order.add(*arrival)
    return judged


def early_stop(
    found: Sequence[Question], settings: str, oracle: str, make: Callable[[], InOrder | Bandit], batch: int
) -> list[float]:
    """Judgements saved, selected papers lost, answers lost of the selected and of all: percent over all questions."""
    whole, left = Counter[int](), Counter[int]()
    for question in found:
        recording, relevant = question.recordings[settings], question.relevant[oracle]
        unjudged = set(recording.papers) - set(replay(recording, relevant, make(), batch))
        answers = question.relevant["answers"]
        for column, papers in enumerate((recording.papers.keys(), relevant, answers & relevant, answers)):
            whole[column] += len(papers & recording.papers.keys())
            left[column] += len(papers & unjudged)
    return [100 * left[column] / max(1, whole[column]) for column in range(4)]


def print_early_stop(found: Sequence[Question], settings: str, batch: int) -> None:
    orders: dict[str, Callable[[], InOrder | Bandit]] = {
        f"in order, until {n} in a row missed": partial(InOrder, n) for n in PATIENCE
    }
    default = StoppingRule()
    for floor in FLOORS:
        chosen = " (the default)" if floor == default.floor else ""
        orders[f"bandit, floor {floor}{chosen}"] = partial(Bandit, replace(default, floor=floor))
    for patience in (0, 5, 20):
        orders[f"bandit, floor {default.floor}, patience {patience}"] = partial(
            Bandit, replace(default, patience=patience)
        )
    met = statistics.mean(len(question.recordings[settings].papers) for question in found)
    print(f"\nEarly stop: {settings} a search, {batch} papers a batch, {met:.0f} papers a question")
    print("  % judgements saved, selected papers lost, answers lost of those selected, answers lost of all met")
    print(f"  {'':<36}" + "".join(f"{oracle:^28}" for oracle in ORACLES))
    for name, make in orders.items():
        cells = [early_stop(found, settings, oracle, make, batch) for oracle in ORACLES]
        print(f"  {name:<36}" + "".join("{:>6.1f}{:>6.1f}{:>6.1f}{:>6.1f}    ".format(*cell) for cell in cells))


# -- the estimate -----------------------------------------------------------------------------------------------


@dataclass
class Case:
    """What a search found, by which ways, in which order of rank, and how many more the wide one found."""

    ways: list[int]
    curve: list[bool]
    missing: int


def cases(found: Sequence[Question], settings: str, oracle: str) -> list[Case]:
    made = []
    for question in found:
        part, whole = question.recordings[settings], question.recordings[WIDE]
        if oracle == "builtin":
            # Its scores depend on the search: what this one selects, against what the wide one does.
            selected, truth = part.selected, whole.selected
        else:
            selected, truth = question.relevant[oracle] & part.papers.keys(), question.relevant[oracle]
        ranks: dict[PaperId, int] = {}
        for paper_id, way in (arrival for batch in part.batches for arrival in batch):
            ranks[paper_id] = min(ranks.get(paper_id, way.rank), way.rank)
        judged = sorted(part.judged, key=lambda paper_id: ranks[paper_id])
        missing = len((truth & whole.papers.keys()) - selected)
        made.append(Case(part.ways(selected), [paper_id in selected for paper_id in judged], missing))
    return made


def chao(case: Case) -> Discovery:
    """Chao's bias-corrected bound alone, with its own log-normal interval."""
    once, twice = case.ways.count(1), case.ways.count(2)
    bound, variance = chao_bias_corrected(once, twice)
    spread = math.exp(1.96 * math.sqrt(math.log(1 + variance / bound**2))) if bound else 1.0
    return Discovery(len(case.ways), bound / spread, bound, bound * spread)


def fitted_curve(case: Case) -> Discovery:
    """Exponential saturation, a (1 - exp(-n / t)), fitted by least squares to selected over judged; no interval."""
    so_far, total = [], 0
    for selected in case.curve:
        total += selected
        so_far.append(total)
    best = (math.inf, 0.0)
    for step in range(60):
        scale = 3 * (20 * len(so_far) / 3) ** (step / 59)
        shape = [1 - math.exp(-(n + 1) / scale) for n in range(len(so_far))]
        height = sum(y * g for y, g in zip(so_far, shape, strict=True)) / sum(g * g for g in shape)
        error = sum((y - height * g) ** 2 for y, g in zip(so_far, shape, strict=True))
        best = min(best, (error, height))
    missing = max(0.0, min(best[1], 10 * total + 10) - total)
    return Discovery(total, missing, missing, missing)


ESTIMATES: dict[str, Callable[[Case], Discovery | None]] = {
    "jackknife (used)": lambda case: estimate_missing(case.ways),
    "Chao, bias-corrected": chao,
    "discovery curve": fitted_curve,
    "nothing is missing": lambda case: Discovery(len(case.ways), 0, 0, 0),
}


def print_estimates(found: Sequence[Question]) -> None:
    print("\nWhat is still out there, against searches of 50 results each (over questions with an estimate)")
    print("  ratio: (found + estimated) / (found + missing), median and quartiles; error: mean |estimated - missing|;")
    print("  inside, above: % of intervals that hold the truth, to half a paper, and that lie wholly above it")
    for oracle in ("builtin", "text"):
        for settings in ("2 searches", "3 searches", "10 results"):
            usable = [case for case in cases(found, settings, oracle) if estimate_missing(case.ways)]
            if len(usable) < 2:
                print(f"  {oracle}, {settings}: too few questions with an estimate")
                continue
            mean_found = statistics.mean(len(case.ways) for case in usable)
            missing = statistics.mean(case.missing for case in usable)
            print(f"  {oracle}, {settings}: {len(usable)} questions, found {mean_found:.1f}, missing {missing:.1f}")
            for name, estimate in ESTIMATES.items():
                print(f"    {name:<22}" + _quality([(case, estimate(case)) for case in usable]))


def _quality(pairs: Sequence[tuple[Case, Discovery | None]]) -> str:
    made = [(case, it) for case, it in pairs if it is not None]
    ratios = [(it.found + it.missing) / (it.found + case.missing) for case, it in made]
    low, middle, high = statistics.quantiles(ratios, n=4)
    error = statistics.mean(abs(it.missing - case.missing) for case, it in made)
    inside = statistics.mean(it.missing_low - 0.5 <= case.missing <= it.missing_high + 0.5 for case, it in made)
    above = statistics.mean(case.missing < it.missing_low - 0.5 for case, it in made)
    width = statistics.median(it.missing_high - it.missing_low for _, it in made)
    return (
        f"ratio {middle:.2f} ({low:.2f}-{high:.2f}), error {error:5.1f}, inside {100 * inside:3.0f}, "
        f"above {100 * above:2.0f}, median width {width:5.1f}"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--queries", type=int, default=120)
    parser.add_argument("--home", type=Path)
    arguments = parser.parse_args()
    if not BENCH.is_dir():
        print("skipped, ../shared/bench is absent")
        return 0
    with tempfile.TemporaryDirectory() as temporary:
        paths = Paths.default({"PASA_TUI_HOME": str(arguments.home or temporary)})
        if "bench" not in {info.name for info in available(paths)}:
            files = ["--papers", str(BENCH / "corpus.jsonl.xz"), "--citations", str(BENCH / "citations.jsonl.xz")]
            cli(["corpus", "build", "bench", *files], standalone_mode=False, obj=Context(paths))
        with Library.open(paths.library_file) as library:
            settings = load_settings(paths.config_file).agent
            found = recorded(Session(library, paths), settings, arguments.queries)
    print(f"{len(found)} questions")
    for name, batch in (("10 results", 1), ("10 results", 64), (WIDE, 8)):
        print_early_stop(found, name, batch)
    print_estimates(found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
