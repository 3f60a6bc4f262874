import json
import re
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest

from pasa_tui.evaluation.metrics import METRICS
from pasa_tui.evaluation.reading import Results, read_results
from pasa_tui.evaluation.report import LABELS, build_report, report_data
from pasa_tui.evaluation.report_html import render_html
from pasa_tui.evaluation.report_text import escaped, figure, interval, render_markdown, render_text
from pasa_tui.evaluation.statistics import Estimate
from tests.evaluation.trees import run_file, tree, write_folder

HOSTILE = 'Which <script>alert("x")</script> | `works` *meet*\x1b]0;owned\x07 this & [that](http://evil.example)\u202e?'


@pytest.fixture
def bm25(tmp_path: Path) -> Results:
    """Four questions: one found, one half found, one failed, one that the corpus has no answer to."""
    trees = [
        tree([(0, 0.9), (1, 0.2)], [0], in_corpus=[True], qid="first"),
        tree([(2, 0.7), (3, 0.6)], [2, 9], in_corpus=[True, False], question=HOSTILE, qid="second"),
        tree([], [4], in_corpus=[True], ending="failed", message="No <b>key</b>.", qid="third"),
        tree([(5, 0.9)], [6], in_corpus=[False], qid="fourth"),
    ]
    folder = write_folder(tmp_path / "bm25", trees, run_file(queries="autoscholar-test", total=6))
    return read_results(folder)


@pytest.fixture
def published(tmp_path: Path) -> Results:
    """A folder as the published agent leaves it."""
    return read_results(write_folder(tmp_path / "elsewhere", [tree([(0, 0.9)], [0])]))


def test_all_metrics_have_a_label() -> None:
    assert set(LABELS) == set(METRICS)


def test_means_are_over_the_questions_with_an_answer_that_counts(bm25: Results) -> None:
    report = build_report([bm25], both=True)
    assert report.judge == "corpus"
    corpus, everything = report.rows[0].judged["corpus"], report.rows[0].judged["all"]
    assert (corpus.questions, corpus.left_out) == (3, 1)
    assert corpus.estimates["recall"].mean == pytest.approx((1 + 1 + 0) / 3)
    assert (everything.questions, everything.left_out) == (4, 0)
    assert everything.estimates["recall"].mean == pytest.approx((1 + 0.5 + 0 + 0) / 4)
    # From 0.7 on, the first two questions are answered without fault.
    assert corpus.best is not None
    assert (corpus.best.threshold, corpus.best.f1) == (0.7, pytest.approx(2 / 3))


def test_json_has_both_judges_every_question_and_is_plain_data(bm25: Results) -> None:
    data = json.loads(msgspec.json.encode(report_data(build_report([bm25], both=True))))
    folder = data["folders"][0]
    assert (folder["answered"], folder["total"], folder["missing"], folder["failed"]) == (4, 6, 2, 1)
    assert set(folder["judges"]) == {"corpus", "all"}
    assert set(folder["judges"]["all"]["metrics"]) == set(METRICS)
    assert folder["judges"]["corpus"]["metrics"]["recall"]["mean"] == pytest.approx(2 / 3)
    assert [query["qid"] for query in folder["per_query"]] == ["first", "second", "third", "fourth"]
    assert folder["per_query"][3]["corpus"] is None
    assert folder["per_query"][1]["all"]["recall"] == 0.5
    assert folder["per_query"][2]["ending"] == "failed"
    assert folder["run"]["corpus_key"] == "20 papers"


def test_published_figures_stand_apart_from_measured_ones(bm25: Results) -> None:
    data = report_data(build_report([bm25], both=True))
    assert [table["query_set"] for table in data["published"]] == ["autoscholar-test"]
    assert {row["system"] for row in data["folders"]} == {"bm25"}
    text = render_text(build_report([bm25]))
    measured, _, rest = text.partition("Published results on AutoScholarQuery test (arXiv 2501.10120, table 4)")
    assert "PaSa-7b" not in measured and "0.5301" in rest
    assert "not measured here" in rest
    assert "bm25" not in rest.partition("Notes")[0]


def test_published_tables_come_with_their_query_set_or_when_asked_for(bm25: Results, published: Results) -> None:
    assert build_report([published]).published == ()
    assert len(build_report([published], published=True).published) == 2
    assert len(build_report([bm25, bm25]).published) == 1


@pytest.mark.parametrize("per_query", [False, True])
def test_text_fits_80_columns_and_has_no_control_characters(bm25: Results, published: Results, per_query: bool) -> None:
    text = render_text(build_report([bm25, published], published=True), per_query=per_query)
    assert all(len(line) <= 80 for line in text.splitlines())
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", text)
    assert ("third" in text) is per_query


def test_text_says_what_is_behind_a_row(bm25: Results) -> None:
    text = " ".join(render_text(build_report([bm25])).split())
    assert "system bm25; queries autoscholar-test; corpus bench; seed 0" in text
    assert (
        "4 of 6 questions answered, 1 failed, 2 without a result; 3 judged, 1 left out (no answer in the corpus)"
        in text
    )
    assert "best F1 over thresholds: 0.667, papers scored 0.700 or more" in text
    assert "no F1 may be made of it" in text
    assert "expand_papers (20) where it means search_queries (5)" in text
    assert "739" not in text


def test_the_notes_say_how_many_answers_the_database_of_realscholar_lacks(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "real", [tree([(0, 0.9)], [0])], run_file(queries="realscholar"))
    notes = " ".join(build_report([read_results(folder)]).notes)
    assert "791" in notes and "739" in notes


def test_the_notes_say_where_rows_are_not_alike(bm25: Results, published: Results) -> None:
    notes = " ".join(build_report([bm25, published]).notes)
    assert "not over the same questions" in notes
    assert "corpora differ" in notes
    assert "does not say which answers its corpus has" in " ".join(build_report([published], judge="corpus").notes)
    assert "not over the same" not in " ".join(build_report([bm25, bm25]).notes)


def test_broken_files_are_named(bm25: Results, tmp_path: Path) -> None:
    (tmp_path / "bm25" / "4.json").write_text("{", encoding="utf-8")
    text = " ".join(render_text(build_report([read_results(tmp_path / "bm25")])).split())
    assert "1 broken, 1 without a result" in text
    assert "4.json is no result tree" in text


def test_a_folder_without_an_answer_that_counts_has_a_row_without_figures(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "none", [tree([(0, 0.9)], [0], in_corpus=[False])], run_file())
    report = build_report([read_results(folder)], judge="corpus")
    for text in (render_text(report, per_query=True), render_markdown(report, per_query=True), render_html(report)):
        assert "0 judged, 1 left out" in text


def test_markdown_shows_strangers_texts_and_none_of_their_markup(bm25: Results) -> None:
    text = render_markdown(build_report([bm25]), per_query=True)
    rows = [line for line in text.splitlines() if "Which" in line and "script" in line]
    assert len(rows) == 1
    assert "\\<script\\>" in rows[0] and "\\[that\\]" in rows[0] and "\x1b" not in rows[0]
    # As many columns as its head, the escaped one not counted.
    head = next(line for line in text.splitlines() if line.startswith("|  | question |"))
    assert len(re.findall(r"(?<!\\)\|", rows[0])) == len(re.findall(r"(?<!\\)\|", head))
    assert escaped("a|b\n# c") == "a\\|b \\# c"


class Page(HTMLParser):
    """What a browser would make of a page: its tags, their attributes, its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def test_html_is_one_file_that_loads_and_runs_nothing(bm25: Results) -> None:
    source = render_html(build_report([bm25], published=True))
    page = Page(source)
    assert page.open == []
    assert not {"script", "link", "img", "iframe", "object", "b", "a"} & set(page.tags)
    names = {name for name, _ in page.attributes}
    assert not names & {"src", "href", "style", "action"} and not any(name.startswith("on") for name in names)
    assert "url(" not in source and "@import" not in source
    assert "prefers-color-scheme: dark" in source
    shown = "".join(page.text)
    assert '<script>alert("x")</script>' in shown and "No <b>key</b>." in shown
    assert "\x1b" not in source and "\u202e" not in source


def test_html_has_a_bar_and_an_interval_for_each_share_and_all_questions(bm25: Results) -> None:
    page = Page(render_html(build_report([bm25])))
    assert page.tags.count("svg") == 8
    shown = "".join(page.text)
    assert "0.667" in shown and "not measured here" in shown
    assert page.tags.count("tr") == 3 * 2 + 1 + 8 + 1 + 4


@pytest.mark.parametrize(
    ("metric", "value", "text"),
    [
        ("recall", 0.12345, "0.123"),
        ("recall", 1.0, "1.000"),
        ("actions", 2.0, "2.00"),
        ("score", -0.126, "-0.13"),
        ("papers_met", 45.67, "45.7"),
        ("papers_met", 999.6, "1000"),
        ("tokens", 9999.9, "10k"),
        ("tokens", 123_456, "123k"),
        ("tokens", 999_999, "1.00M"),
    ],
)
def test_figures_have_three_digits_that_mean_something(metric: str, value: float, text: str) -> None:
    assert figure(metric, value) == text


def test_intervals_are_short_and_their_signs_are_no_dashes() -> None:
    assert interval("recall", Estimate(0.5, 0.0, 1.0)) == ".000–1.00"
    assert interval("score", Estimate(0.0, -0.25, 0.5)) == "-0.25…0.50"
