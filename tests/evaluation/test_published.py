import pytest

from pasa_tui.evaluation.published import COLUMNS, PUBLISHED, published_for


def value(query_set: str, system: str, column: str) -> float:
    row = next(row for row in PUBLISHED[query_set].rows if row.system == system)
    figure = row.values[COLUMNS.index(column)]
    assert figure is not None
    return figure


@pytest.mark.parametrize(
    ("query_set", "better", "than", "column", "points"),
    [
        # Differences that the paper's abstract and section 5.4 state in percentage points.
        ("realscholar", "PaSa-7b", "Google with GPT-4o", "recall_at_20", 37.78),
        ("realscholar", "PaSa-7b", "Google with GPT-4o", "recall_at_50", 39.90),
        ("realscholar", "PaSa-7b", "Google with GPT-4o", "recall_at_100", 39.83),
        ("realscholar", "PaSa-7b", "PaSa-GPT-4o", "recall", 30.36),
        ("realscholar", "PaSa-7b", "PaSa-GPT-4o", "precision", 4.25),
        ("realscholar", "PaSa-7b-ensemble", "PaSa-7b", "crawler_recall", 4.32),
        ("autoscholar-test", "PaSa-7b", "Google with GPT-4o", "recall_at_20", 33.80),
        ("autoscholar-test", "PaSa-7b", "Google with GPT-4o", "recall_at_50", 38.83),
        ("autoscholar-test", "PaSa-7b", "Google with GPT-4o", "recall_at_100", 42.64),
        ("autoscholar-test", "PaSa-7b-ensemble", "PaSa-7b", "crawler_recall", 3.34),
        ("autoscholar-test", "PaSa-7b-ensemble", "PaSa-7b", "recall", 1.51),
    ],
)
def test_tables_agree_with_the_differences_in_the_papers_text(
    query_set: str, better: str, than: str, column: str, points: float
) -> None:
    difference = value(query_set, better, column) - value(query_set, than, column)
    assert 100 * difference == pytest.approx(points, abs=0.011)


def test_each_row_has_a_value_or_none_for_each_column_and_recall_never_falls_with_depth() -> None:
    for table in PUBLISHED.values():
        assert len(table.rows) == 8
        for row in table.rows:
            assert len(row.values) == len(COLUMNS)
            at_100, at_50, at_20 = row.values[3:]
            if at_100 is not None and at_50 is not None and at_20 is not None:
                assert 1 > at_100 > at_50 > at_20 > 0


@pytest.mark.parametrize(
    ("queries", "query_set"),
    [
        ("autoscholar-test", "autoscholar-test"),
        ("realscholar", "realscholar"),
        ("data/AutoScholarQuery/test.jsonl", "autoscholar-test"),
        ("D:\\data\\RealScholarQuery\\test.jsonl", "realscholar"),
    ],
)
def test_a_table_goes_with_its_query_set(queries: str, query_set: str) -> None:
    table = published_for(queries)
    assert table is not None and table.query_set == query_set


@pytest.mark.parametrize("queries", ["", "autoscholar-dev", "test.jsonl", "data/AutoScholarQuery/dev.jsonl"])
def test_other_query_sets_have_no_table(queries: str) -> None:
    assert published_for(queries) is None
