"""What of PaSa's published data is on this machine, and what of it is broken. Reads files in pieces."""

import json
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from pasa_tui.errors import EvaluationError
from pasa_tui.evaluation.data import PAPER_DATABASE, PARTS
from pasa_tui.evaluation.queries import NAMED_SETS, BenchmarkQuery, parse_line
from pasa_tui.models.fetching import recorded_sizes
from pasa_tui.papers import parse_arxiv_id, title_key

_MOST_TOLD = 5
"""Faults of a kind that are told one by one."""
_LARGEST_ENTRY = 32 * 1024 * 1024
"""Bytes of one paper in the database above which it is no paper: a bomb, or damage."""
_LONGEST_LINE = 32 * 1024 * 1024


@dataclass(slots=True)
class Finding:
    """One file: `status` "ok", "missing" or "broken"; what it holds, in words and numbers; what is wrong with it."""

    part: str
    file: str
    status: str = "ok"
    size: int = 0
    holds: dict[str, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def blame(self, fault: str) -> None:
        """Note a fault. It breaks the file."""
        self.status = "broken"
        self.faults.append(fault)


def check_data(parts: Sequence[str], folders: Sequence[Path], tell: Callable[[str], None]) -> list[Finding]:
    """Look at the files of these parts (all without any), in the first of `folders` that has them.

    `tell` is called with each file before it is read. Raises EvaluationError for an unknown part.
    """
    if unknown := [name for name in parts if name not in PARTS]:
        raise EvaluationError(f"There is no data called {unknown[0]!r}.", f"Known: {', '.join(PARTS)}.")
    findings = []
    for part in parts or PARTS:
        for file in PARTS[part]:
            folder = next((folder for folder in folders if (folder / file).is_file()), None)
            if folder is None:
                findings.append(Finding(part, file, "missing"))
                continue
            tell(file)
            findings.append(_check(part, file, folder))
    _count_known_answers(findings, folders)
    return findings


def _check(part: str, file: str, folder: Path) -> Finding:
    path = folder / file
    finding = Finding(part, file, size=path.stat().st_size)
    expected = recorded_sizes(folder).get(file)
    if expected is not None and expected != finding.size:
        finding.blame(f"{finding.size:,} bytes, fetched were {expected:,}: fetch it again")
    try:
        if part in NAMED_SETS:
            _check_queries(path, finding)
        elif file.endswith(".zip"):
            _check_zip(path, finding)
        elif file.endswith("id2paper.json"):
            _check_ids(path, finding)
        else:
            _check_lines(path, finding)
    except OSError as error:
        finding.blame(f"can't be read: {error.strerror or error}")
    return finding


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    with path.open("rb") as lines:
        number = 0
        while line := lines.readline(_LONGEST_LINE):
            number += 1
            if line.strip():
                yield number, line


def _check_queries(path: Path, finding: Finding) -> None:
    bad: list[int] = []
    undated: list[int] = []
    unanswered: list[int] = []
    no_ids: list[int] = []
    repeated: list[int] = []
    seen: set[str] = set()
    queries = answers = 0
    for number, line in _lines(path):
        try:
            query = parse_line(line.decode("utf-8-sig"), number, queries, path)
        except (EvaluationError, UnicodeDecodeError):
            bad.append(number)
            continue
        queries += 1
        answers += len(query.answers)
        for faulty, where in (
            (query.published is None, undated),
            (not query.answers, unanswered),
            (any(answer.arxiv_id is None for answer in query.answers), no_ids),
            (query.question in seen, repeated),
        ):
            if faulty:
                where.append(number)
        seen.add(query.question)
    finding.holds = {"questions": queries, "answers": answers}
    for what, numbers in (("no query", bad), ("without an answer", unanswered)):
        if numbers:
            finding.blame(f"{what}: {_listed(numbers)}")
    for what, numbers in (
        ("without published_time", undated),
        ("an answer without an arXiv id that can be read", no_ids),
        ("the question of an earlier line", repeated),
    ):
        if numbers:
            finding.faults.append(f"{what}: {_listed(numbers)}")
    if not queries:
        finding.blame("holds no question")


def _check_lines(path: Path, finding: Finding) -> None:
    bad: list[int] = []
    count = 0
    for number, line in _lines(path):
        try:
            msgspec.json.decode(line)
            count += 1
        except msgspec.DecodeError:
            bad.append(number)
    finding.holds = {"lines": count}
    if bad or not count:
        finding.blame(f"no JSON: {_listed(bad)}" if bad else "holds no line")


def _check_ids(path: Path, finding: Finding) -> None:
    try:
        ids = msgspec.json.decode(path.read_bytes(), type=dict[str, str])
    except msgspec.DecodeError as error:
        finding.blame(f"no map of arXiv ids to titles: {error}")
        return
    finding.holds = {"ids": len(ids)}
    if odd := [key for key in ids if parse_arxiv_id(key) is None]:
        finding.faults.append(f"{len(odd):,} ids are no arXiv ids")


def _check_zip(path: Path, finding: Finding) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            finding.holds = {"papers": len(entries)}
            bad = [entry.filename for entry in entries if not _is_paper(archive, entry)]
    except (zipfile.BadZipFile, NotImplementedError) as error:
        finding.blame(f"no zip archive: {error}")
        return
    if bad:
        names = ", ".join(repr(name)[:60] for name in bad[:_MOST_TOLD])
        finding.blame(f"{len(bad):,} entries hold no paper: {names}")


def _is_paper(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bool:
    if entry.file_size > _LARGEST_ENTRY:
        return False
    try:
        with archive.open(entry) as stream:
            # No more than is announced, which is bounded: an entry may lie about its size.
            content = stream.read(_LARGEST_ENTRY + 1)
        paper = json.loads(content)
    except (ValueError, RecursionError, RuntimeError, OSError, EOFError, zipfile.BadZipFile, NotImplementedError):
        return False
    return isinstance(paper, dict) and isinstance(paper.get("title"), str)


def _count_known_answers(findings: Iterable[Finding], folders: Sequence[Path]) -> None:
    """Of RealScholarQuery's answers, how many the paper database has, where both are there."""
    archive = _found(PARTS[PAPER_DATABASE][0], folders)
    ids = _found(PARTS[PAPER_DATABASE][1], folders)
    real = next((one for one in findings if one.part == "realscholar" and one.status != "missing"), None)
    path = _found(NAMED_SETS["realscholar"], folders)
    if real is None or path is None or archive is None or ids is None:
        return
    try:
        with zipfile.ZipFile(archive) as opened:
            titles = {title_key(Path(name).stem) for name in opened.namelist()}
        known = msgspec.json.decode(ids.read_bytes(), type=dict[str, str])
    except (OSError, zipfile.BadZipFile, msgspec.DecodeError):
        return
    real.holds["answers in the paper database"] = sum(
        title_key(answer.title) in titles or title_key(known.get(answer.arxiv_id or "", "")) in titles
        for query in _queries(path)
        for answer in query.answers
    )


def _queries(path: Path) -> Iterator[BenchmarkQuery]:
    for number, line in _lines(path):
        try:
            yield parse_line(line.decode("utf-8-sig"), number, number, path)
        except (EvaluationError, UnicodeDecodeError):
            continue


def _found(file: str, folders: Sequence[Path]) -> Path | None:
    return next((folder / file for folder in folders if (folder / file).is_file()), None)


def _listed(numbers: Sequence[int]) -> str:
    first = ", ".join(f"{number:,}" for number in numbers[:_MOST_TOLD])
    more = f" and {len(numbers) - _MOST_TOLD:,} more" if len(numbers) > _MOST_TOLD else ""
    return f"line{'s' * (len(numbers) > 1)} {first}{more}"
