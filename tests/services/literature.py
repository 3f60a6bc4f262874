"""One small invented literature: works, what they cite and in which section, and a search over them."""

import random
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from hashlib import sha1

WORD = re.compile(r"[^\W_]+")
STOP_WORDS = frozenset(
    "a an and are as at be by for from in is it of on or our that the this to we what which with".split()
)


# The servers share the processor with the program under test: what they read again and again is kept.
@lru_cache(200_000)
def words(text: str) -> tuple[str, ...]:
    """The words of a text in lower case, without those that mean nothing."""
    return tuple(word for word in WORD.findall(text.lower()) if word not in STOP_WORDS)


@dataclass(frozen=True, slots=True)
class Work:
    """An invented paper; `sections` gives the numbers of the works cited in each, "A > B" being B inside A."""

    number: int
    title: str
    abstract: str
    authors: tuple[str, ...]
    date: date
    arxiv_id: str | None
    doi: str | None
    venue: str | None
    sections: tuple[tuple[str, tuple[int, ...]], ...]
    withdrawn: bool = False
    versions: int = 1
    category: str = "cs.CL"
    s2_known: bool = True
    openalex_known: bool = True
    openalex_twice: bool = False
    references_elided: bool = False
    full_texts: tuple[str, ...] = ("ar5iv", "arxiv-html")

    @property
    def s2_id(self) -> str:
        """The paperId of Semantic Scholar."""
        return sha1(f"invented work {self.number}".encode()).hexdigest()

    @property
    def corpus_id(self) -> int:
        """The CorpusId of Semantic Scholar."""
        return 250_000_000 + 37 * self.number

    @property
    def openalex_id(self) -> str:
        """The id OpenAlex knows it by."""
        return f"W{2_000_000_000 + 1009 * self.number}"

    @property
    def openalex_twin_id(self) -> str:
        """The id of the second record, for the works that OpenAlex holds twice."""
        return f"W{4_300_000_000 + 1013 * self.number}"


class Literature:
    """All works, by each of their ids."""

    def __init__(self, works: Iterable[Work]) -> None:
        self.works = tuple(sorted(works, key=lambda work: work.number))
        self.by_number = {work.number: work for work in self.works}
        self.by_arxiv = {work.arxiv_id: work for work in self.works if work.arxiv_id}
        self.by_doi = {work.doi.lower(): work for work in self.works if work.doi}
        self.by_s2 = {work.s2_id: work for work in self.works if work.s2_known}
        self.by_corpus = {work.corpus_id: work for work in self.works if work.s2_known}
        self.by_openalex = {work.openalex_id: work for work in self.works if work.openalex_known}
        self.by_openalex |= {work.openalex_twin_id: work for work in self.works if work.openalex_twice}
        self._citing: dict[int, list[Work]] = {}
        self._found_in: dict[str, dict[int, int]] = {}
        for work in self.works:
            for cited in self.references(work):
                self._citing.setdefault(cited.number, []).append(work)
            for word in set(words(work.abstract)):
                self._found_in.setdefault(word, {})[work.number] = 1
            for word in set(words(work.title)):
                weights = self._found_in.setdefault(word, {})
                weights[work.number] = weights.get(work.number, 0) + 2

    def references(self, work: Work) -> list[Work]:
        """The works it cites, in the order of their first citation."""
        numbers = dict.fromkeys(number for _, cited in work.sections for number in cited)
        return [self.by_number[number] for number in numbers]

    def citations(self, work: Work) -> list[Work]:
        """The works that cite it, newest first."""
        return self._citing.get(work.number, [])[::-1]

    def search(self, text: str, limit: int = 10, before: date | None = None) -> list[Work]:
        """The works that share most words with the text; a word of the title weighs double."""
        scores: dict[int, int] = {}
        for word in set(words(text)):
            for number, weight in self._found_in.get(word, {}).items():
                scores[number] = scores.get(number, 0) + weight
        ranked = sorted(scores, key=lambda number: (-scores[number], number))
        found = (self.by_number[number] for number in ranked)
        return [work for work in found if before is None or work.date < before][:limit]

    @classmethod
    def invent(cls, papers: int = 600, seed: int = 1) -> "Literature":
        """A literature of so many papers, the same for the same seed."""
        return cls(_Inventor(seed).works(papers))


@dataclass(frozen=True, slots=True)
class _Topic:
    name: str
    category: str
    tasks: tuple[str, ...]
    methods: tuple[str, ...]
    settings: tuple[str, ...]


_TOPICS = (
    _Topic(
        "Dense Retrieval",
        "cs.IR",
        ("Passage Retrieval", "Query Expansion", "Document Reranking", "Entity Linking", "Literature Search"),
        ("Dual Encoders", "Late Interaction", "Hard Negative Mining", "Learned Sparse Vectors", "Index Compression"),
        ("Scholarly Archives", "Legal Libraries", "Low-Resource Languages", "Long Documents", "Streaming Corpora"),
    ),
    _Topic(
        "Language Agents",
        "cs.CL",
        ("Tool Use", "Web Navigation", "Multi-Step Planning", "Task Decomposition", "Self-Correction"),
        ("Reinforcement Learning", "Tree Search", "Synthetic Trajectories", "Verbal Feedback", "Memory Modules"),
        ("Open Worlds", "Office Software", "Scientific Workflows", "Household Simulators", "Text Adventures"),
    ),
    _Topic(
        "Graph Learning",
        "cs.LG",
        ("Link Prediction", "Node Classification", "Graph Generation", "Community Detection", "Subgraph Matching"),
        ("Message Passing", "Spectral Filters", "Graph Transformers", "Contrastive Views", "Walk Kernels"),
        ("Citation Networks", "Road Networks", "Heterophilous Graphs", "Temporal Graphs", "Molecular Libraries"),
    ),
    _Topic(
        "Neural Rendering",
        "cs.CV",
        ("View Synthesis", "Surface Reconstruction", "Relighting", "Camera Calibration", "Scene Editing"),
        ("Radiance Fields", "Gaussian Primitives", "Occupancy Grids", "Diffusion Priors", "Signed Distances"),
        ("Urban Scenes", "Sparse Photographs", "Underwater Footage", "Night Recordings", "Museum Collections"),
    ),
    _Topic(
        "Speech Understanding",
        "eess.AS",
        ("Speaker Diarisation", "Keyword Spotting", "Accent Conversion", "Speech Translation", "Noise Suppression"),
        ("Masked Acoustic Models", "Streaming Attention", "Codec Tokens", "Phoneme Alignment", "Teacher Ensembles"),
        ("Meeting Rooms", "Field Recordings", "Endangered Languages", "Call Centres", "Children's Voices"),
    ),
    _Topic(
        "Robot Manipulation",
        "cs.RO",
        ("Grasp Planning", "Cable Routing", "Cloth Folding", "Object Handover", "Bin Picking"),
        (
            "Imitation Learning",
            "Tactile Feedback",
            "Model Predictive Control",
            "Affordance Maps",
            "Domain Randomisation",
        ),
        ("Cluttered Kitchens", "Small Warehouses", "Surgical Suites", "Orchard Rows", "Shared Workspaces"),
    ),
    _Topic(
        "Causal Discovery",
        "stat.ML",
        ("Structure Learning", "Effect Estimation", "Confounder Detection", "Mediation Analysis", "Policy Evaluation"),
        ("Invariant Prediction", "Score Matching", "Instrumental Variables", "Bayesian Priors", "Doubly Robust Scores"),
        ("Hospital Records", "Irregular Time Series", "Field Experiments", "Small Samples", "Online Platforms"),
    ),
    _Topic(
        "Program Synthesis",
        "cs.SE",
        ("Code Completion", "Bug Localisation", "Unit Test Generation", "Code Review", "Type Inference"),
        ("Execution Feedback", "Grammar Constraints", "Retrieved Examples", "Static Analysis", "Preference Tuning"),
        ("Large Repositories", "Student Programs", "Notebook Cells", "Legacy Systems", "Embedded Firmware"),
    ),
    _Topic(
        "Forecasting",
        "cs.LG",
        ("Demand Forecasting", "Anomaly Detection", "Missing Value Imputation", "Load Prediction", "Nowcasting"),
        (
            "Patch Transformers",
            "State Space Models",
            "Quantile Regression",
            "Seasonal Decomposition",
            "Transfer Learning",
        ),
        ("Power Grids", "River Basins", "Retail Chains", "Wind Farms", "Hospital Admissions"),
    ),
    _Topic(
        "Model Evaluation",
        "cs.CL",
        ("Question Answering", "Fact Verification", "Summary Evaluation", "Bias Measurement", "Citation Checking"),
        ("Pairwise Judges", "Adversarial Probes", "Calibrated Confidence", "Human Panels", "Contamination Tests"),
        ("Medical Questions", "Multilingual Benchmarks", "Scientific Claims", "School Exams", "News Articles"),
    ),
)
_OLD_TOPIC = _Topic(
    "Lattice Fields",
    "hep-th",
    ("Gauge Fixing", "Vacuum Tunnelling", "Anomaly Matching", "Soliton Counting", "Symmetry Breaking"),
    ("Loop Expansions", "Monte Carlo Chains", "Matrix Models", "Duality Maps", "Cluster Expansions"),
    ("Curved Backgrounds", "Compact Dimensions", "Finite Volume", "Warped Throats", "Strong Coupling"),
)

_TITLES = (
    "{method} for {task} in {setting}",
    "{name}: {method} Meets {task}",
    "Towards {quality} {task} with {method}",
    "On the {aspect} of {method} for {task}",
    "{quality} {task} over {setting}",
    "A Survey of {task} with {method}",
    "{name}: A Benchmark for {task} in {setting}",
    "Do {method} Help {task}? Evidence from {setting}",
    "Rethinking {task}: {quality} {method} without Labels",
    "{task} by {method}: {aspect} and Open Problems",
)
_QUALITIES = "Robust Faithful Scalable Interpretable Efficient Adaptive Uncertainty-Aware Unsupervised Few-Shot".split()
_ASPECTS = ("Limits", "Sample Complexity", "Stability", "Hidden Costs", "Geometry", "Transferability")
_NAME_PARTS = (("Nor", "Vel", "Ka", "Qui", "Sol", "Tam", "Ori", "Bel"), ("va", "li", "mo", "ne", "ru", "da"))
_NAME_ENDS = ("Net", "Bench", "Former", "RAG", "Search", "Lab", "X", "Flow")
_FIRST_NAMES = (
    "Zoë Amara Jürgen Ingrid Tomás Mei Oluwaseun Petra Ravi Søren Lucía Henrik Yuki Fatima Émile Nadia Koji Anneliese "
    "Mateo Priya Björn Chidi Elif Wen"
).split()
_LAST_NAMES = (
    "van_der_Veldt Lindqvist Okonkwo Núñez-Ortega Harrowgate Takemori Dvořáček Castellane Brightwater Ferreira-Lima "
    "Müllerstein Oyelaran Vasquez-Thorn Kettleby Zhaoming Rasmussen-Vik Aldermoor Ishikura Petrovanić Quillfeather "
    "Banerjee-Holt"
).split()
_VENUES = (
    "Conference on Readable Machines",
    "Journal of Patient Computing",
    "Symposium on Invented Results",
    "Transactions on Careful Inference",
    "Workshop on Modest Claims",
)
_OPENINGS = (
    "{task} remains hard in {setting}, where labels are scarce and mistakes are costly.",
    "Systems for {task} are usually tuned on clean data and fail quietly in {setting}.",
    "Progress in {task} has come from larger models rather than from a better use of evidence.",
)
_MIDDLES = (
    "We present {name}, which couples {method} with a small verifier trained on its own errors.",
    "We study how {method} change the picture and give a recipe that needs no further annotation.",
    "Our approach replaces the usual pipeline by {method} and a calibrated stopping rule.",
)
_RESULTS = (
    "Across {count} collections it improves recall by {gain} points at a third of the cost.",
    "Experiments on {count} benchmarks show gains of {gain} points, most of them where evidence is sparse.",
    "On {count} tasks the error falls by {gain} percent, and an ablation shows which parts matter.",
)
_CLOSINGS = (
    "Code and data for {topic} are released.",
    "We close with open questions for {topic}.",
    "The findings suggest that {topic} should be measured per query and not on average.",
)


class _Inventor:
    """Makes works one after another, each citing earlier ones."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.titles: set[str] = set()
        self.arxiv_ids: set[str] = set()
        self.by_topic: dict[str, list[int]] = {}

    def works(self, papers: int) -> list[Work]:
        """So many works in the order of their dates."""
        old = max(1, papers // 40)
        start, end = date(2013, 1, 1), date(2025, 9, 30)
        dates = sorted(self._day(date(1999, 1, 1), date(2006, 12, 31)) for _ in range(old))
        dates += sorted(self._day(start, end) for _ in range(papers - old))
        return [self._work(number, day) for number, day in enumerate(dates, start=1)]

    def _day(self, start: date, end: date) -> date:
        return start + timedelta(days=self.random.randrange((end - start).days + 1))

    def _work(self, number: int, day: date) -> Work:
        dice = self.random
        topic = _OLD_TOPIC if day.year < 2010 else dice.choice(_TOPICS)
        texts = {
            "task": dice.choice(topic.tasks),
            "method": dice.choice(topic.methods),
            "setting": dice.choice(topic.settings),
            "topic": topic.name.lower(),
        }
        fate = dice.random()
        has_arxiv = fate >= 0.20 or topic is _OLD_TOPIC
        has_doi = (has_arxiv and dice.random() < 0.3) or (not has_arxiv and fate >= 0.05)
        arxiv_id = self._arxiv_id(topic, day) if has_arxiv else None
        withdrawn = has_arxiv and dice.random() < 0.01
        title = self._title(texts)
        abstract = self._abstract(texts)
        known = dice.random()
        twice = dice.random() < 0.04
        work = Work(
            number=number,
            title=title,
            abstract="This paper has been withdrawn by its authors: Lemma 2 is wrong." if withdrawn else abstract,
            authors=self._authors(),
            date=day,
            arxiv_id=arxiv_id,
            doi=f"10.5555/invented.{day.year}.{number:05d}" if has_doi else None,
            venue=dice.choice(_VENUES) if has_doi or not has_arxiv else None,
            sections=self._sections(number, topic),
            withdrawn=withdrawn,
            versions=dice.choice((1, 1, 1, 2, 2, 3, 5, 12)) if has_arxiv else 1,
            category=topic.category,
            s2_known=known >= 0.05,
            openalex_known=not 0.05 <= known < 0.12,
            openalex_twice=twice and not 0.05 <= known < 0.12,
            references_elided=not has_arxiv and dice.random() < 0.3,
            full_texts=self._full_texts(has_arxiv and not withdrawn),
        )
        self.by_topic.setdefault(topic.name, []).append(number)
        return work

    def _full_texts(self, possible: bool) -> tuple[str, ...]:
        chance = self.random.random()
        if not possible or chance < 0.05:
            return ()
        if chance < 0.15:
            return ("ar5iv",)
        return ("arxiv-html",) if chance < 0.30 else ("ar5iv", "arxiv-html")

    def _arxiv_id(self, topic: _Topic, day: date) -> str:
        while True:
            if day.year < 2007:
                arxiv_id = f"{topic.category}/{day:%y%m}{self.random.randrange(1, 999):03d}"
            elif day.year < 2015:
                arxiv_id = f"{day:%y%m}.{self.random.randrange(1, 9999):04d}"
            else:
                arxiv_id = f"{day:%y%m}.{self.random.randrange(1, 18000):05d}"
            if arxiv_id not in self.arxiv_ids:
                self.arxiv_ids.add(arxiv_id)
                return arxiv_id

    def _title(self, texts: dict[str, str]) -> str:
        dice = self.random
        while True:
            texts["name"] = "".join(dice.choice(parts) for parts in _NAME_PARTS) + dice.choice(_NAME_ENDS)
            texts["quality"], texts["aspect"] = dice.choice(_QUALITIES), dice.choice(_ASPECTS)
            title = dice.choice(_TITLES).format(**texts)
            if len(self.titles) > 2000:
                title += f" ({texts['name']})"
            if title not in self.titles:
                self.titles.add(title)
                return title

    def _abstract(self, texts: dict[str, str]) -> str:
        dice = self.random
        count, gain = dice.randrange(3, 12), f"{dice.uniform(1, 12):.1f}"
        sentences = (dice.choice(templates) for templates in (_OPENINGS, _MIDDLES, _RESULTS, _CLOSINGS))
        return " ".join(sentence.format(**texts, count=count, gain=gain) for sentence in sentences)

    def _authors(self) -> tuple[str, ...]:
        dice = self.random
        names = [
            f"{dice.choice(_FIRST_NAMES)} {dice.choice(_LAST_NAMES)}".replace("_", " ")
            for _ in range(dice.randrange(1, 7))
        ]
        return tuple(dict.fromkeys(names))

    def _sections(self, number: int, topic: _Topic) -> tuple[tuple[str, tuple[int, ...]], ...]:
        """Ten to thirty earlier works, two thirds of them of the same topic, some cited in two sections."""
        dice = self.random
        near = self.by_topic.get(topic.name, [])
        wanted = min(dice.randrange(10, 31), number - 1)
        cited = dice.sample(near, min(len(near), wanted * 2 // 3))
        while len(cited) < wanted:
            if (other := dice.randrange(1, number)) not in cited:
                cited.append(other)
        dice.shuffle(cited)
        names = ["Introduction", "Related Work", f"Related Work > {topic.name}", "Method", "Experiments", "Conclusion"]
        if wanted > 15:
            names.insert(3, f"Related Work > {dice.choice(topic.tasks)}")
        shares: dict[str, list[int]] = {name: [] for name in names}
        for other in cited:
            shares[dice.choice(names[:-1])].append(other)
            if dice.random() < 0.2:
                shares[dice.choice(names[:-1])].append(other)
        return tuple((name, tuple(dict.fromkeys(numbers))) for name, numbers in shares.items())
