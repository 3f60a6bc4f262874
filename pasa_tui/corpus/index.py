"""The full-text index of a corpus: what a word is, how papers are ranked, and how a question becomes a query.

Ranking is BM25 (tantivy's, k1 1.2, b 0.75) over one field: the title twice and the abstract once, so that a word in
a title weighs as two, as in BM25F, and the number of papers with a word is one look-up. On 718 dev questions of
AutoScholarQuery, one query over the 112,029 papers of the bench finds 0.301, 0.371 and 0.434 of the answers in its
first 20, 50 and 100; title and abstract as two fields with title weight 2 find less (0.255, 0.313 and 0.390 on the
first 280). See tests/benchmarks/bench_corpus.py.
"""

import re
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import tantivy

from pasa_tui.errors import CorpusError
from pasa_tui.papers import clean_text
from pasa_tui.stopwords import STOP_WORDS

WRITER_HEAP = 128_000_000
"""Bytes that the writer fills before it writes a part of the index to disk."""

SMALL_HEAP = 15_000_000
"""The least that tantivy takes for its writer's heap; enough for some thousand papers."""

MAX_TERMS = 64
"""A longer text is searched by its rarest terms: the common ones cost the most and rank the least."""

_ANALYZER = "papers"
_FIELD = "text"
_TITLE_WEIGHT = 2
_MAX_TERM_BYTES = 100
# Scripts written without spaces between words: each character is indexed as a word of its own, because a run of
# them would otherwise be one word that only the very same run finds. Thai, Lao, Burmese, Khmer, kana, Han.
_UNSPACED = re.compile(
    "([\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u2fdf\u3005-\u3007\u3041-\u30ff\u31f0-\u31ff\u3400-\u4dbf"
    "\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9d\U00020000-\U0003ffff])"
)


def _spaced(text: str) -> str:
    return text if text.isascii() else _UNSPACED.sub(r" \1 ", text)


def _analyzer() -> Any:
    # Letters and digits make words (punctuation and symbols part them), folded to ASCII where that is possible.
    filters = tantivy.Filter
    builder = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple())
    for each in (
        filters.remove_long(_MAX_TERM_BYTES),
        filters.lowercase(),
        filters.ascii_fold(),
        filters.custom_stopword(sorted(STOP_WORDS)),
        filters.stemmer("english"),
    ):
        builder = builder.filter(each)
    return builder.build()


def _schema() -> Any:
    builder = tantivy.SchemaBuilder()
    builder.add_text_field(_FIELD, tokenizer_name=_ANALYZER, index_option="freq")
    builder.add_integer_field("row", fast=True)
    builder.add_integer_field("day", fast=True, indexed=True)
    return builder.build()


class IndexWriter:
    """Fills a new index in `folder`, which exists and is empty. Methods raise CorpusError where it can't be written."""

    def __init__(self, folder: Path, *, heap: int = WRITER_HEAP) -> None:
        try:
            index = tantivy.Index(_schema(), path=str(folder))
            index.register_tokenizer(_ANALYZER, _analyzer())
            # One thread keeps papers in their order, so that two builds of the same files are the same index.
            self._writer = index.writer(heap, 1)
            self._open = True
        except (ValueError, OSError) as error:
            raise _write_error(error) from error

    def add(self, row: int, title: str, abstract: str, day: date | None) -> None:
        """Index the paper that is `row` in the tables. Undated papers count as older than every cut-off."""
        text = f"{f'{_spaced(title)} ' * _TITLE_WEIGHT}\n{_spaced(abstract)}"
        try:
            self._writer.add_document(tantivy.Document(text=text, row=row, day=day.toordinal() if day else 0))
        except (ValueError, OSError) as error:
            raise _write_error(error) from error

    def finish(self) -> None:
        """Write everything and wait until it is written. The writer is of no use afterwards."""
        try:
            self._writer.commit()
            self._writer.wait_merging_threads()
            self._open = False
        except (ValueError, OSError) as error:
            raise _write_error(error) from error

    def abandon(self) -> None:
        """Stop writing, if `finish` has not: what is in the folder is of no use then, and may be removed."""
        if not self._open:
            return
        try:
            self._writer.rollback()
            self._writer.wait_merging_threads()
        except (ValueError, OSError):
            # It failed before, which is why it is given up.
            return
        finally:
            self._open = False


def _write_error(error: Exception) -> CorpusError:
    return CorpusError(
        f"The index can't be written: {error}", "Is the disk full, or the folder of corpora not writable?"
    )


class Index:
    """An index that is read. Later changes in its folder, its removal included, do not touch it."""

    def __init__(self, folder: Path) -> None:
        """Open the index in `folder`. Raises CorpusError."""
        try:
            index = tantivy.Index.open(str(folder))
            index.register_tokenizer(_ANALYZER, _analyzer())
            # A corpus never changes in place, so nothing has to watch the folder.
            index.config_reader("manual")
            index.reload()
            self._searcher = index.searcher()
        except (ValueError, OSError) as error:
            raise CorpusError(
                f"The index in {folder} can't be opened: {error}", "Build the corpus again with --replace."
            ) from error
        self._schema = index.schema
        self._analyzer = _analyzer()

    @property
    def num_papers(self) -> int:
        """How many papers are indexed."""
        return int(self._searcher.num_docs)

    def analyze(self, text: str) -> list[str]:
        """The terms of a text in order: lower case, ASCII where possible, stop words out, stemmed."""
        # A plain word has nothing to clean, and single words are what is mostly asked for.
        plain = text.isascii() and text.isalnum()
        return list(self._analyzer.analyze(text if plain else _spaced(clean_text(text))))

    def document_frequency(self, word: str) -> int:
        """In how many papers the word stands.

        A stop word counts as being in all of them; where a word falls into several terms (`vision-language`), the
        rarest one's number bounds the answer from above.
        """
        terms = self.analyze(word)
        if not terms:
            return self.num_papers if any(char.isalnum() for char in word) else 0
        return min(self._frequency(term) for term in terms)

    def search(self, text: str, *, limit: int, before: date | None) -> list[int]:
        """Rows of the best papers, best first, none dated after `before`; equals are ordered by row.

        `text` is taken as words and nothing else: no character in it is an operator.
        """
        return [row for _, row in self.score(text, limit=limit, before=before)]

    def score(self, text: str, *, limit: int, before: date | None) -> list[tuple[float, int]]:
        """The same with the BM25 score (0 and more, without a greatest value) of each row."""
        query = self._query(text)
        if query is None or limit < 1:
            return []
        return self._top(query, min(limit, self.num_papers), before.toordinal() if before else None)

    def _top(self, query: Any, limit: int, latest: int | None) -> list[tuple[float, int]]:
        # Ranking all and dropping the papers that are too new is three times as fast as a filter, as long as they are
        # few. Some more than `limit` are fetched for that, and because of papers with one and the same score the engine
        # returns any: all that share the last score have to be seen.
        fetched = limit + limit // 4 + 16
        while True:
            hits = self._searcher.search(query, fetched, count=False).hits
            addresses = [address for _, address in hits]
            rows: list[Any] = self._searcher.fast_field_values("row", addresses)
            days: list[Any] = self._searcher.fast_field_values("day", addresses)
            ranked = sorted(
                (-score, row)
                for (score, _), row, day in zip(hits, rows, days, strict=True)
                if latest is None or day <= latest
            )
            if len(hits) < fetched or (len(ranked) >= limit and -ranked[limit - 1][0] > hits[-1][0]):
                return [(-score, row) for score, row in ranked[:limit]]
            if latest is not None:
                query, latest = self._dated(query, latest), None
            else:
                fetched *= 4

    def _dated(self, query: Any, latest: int) -> Any:
        in_time = tantivy.Query.range_query(self._schema, "day", tantivy.FieldType.Integer, upper_bound=latest)
        must = tantivy.Occur.Must
        return tantivy.Query.boolean_query([(must, query), (must, tantivy.Query.const_score_query(in_time, 0.0))])

    def _query(self, text: str) -> Any | None:
        terms = list(dict.fromkeys(self.analyze(text)))
        if len(terms) > MAX_TERMS:
            frequency = {term: self._frequency(term) for term in terms}
            terms = sorted((term for term in terms if frequency[term]), key=lambda term: frequency[term])[:MAX_TERMS]
        if not terms:
            return None
        should = tantivy.Occur.Should
        subqueries: Sequence[Any] = [
            (should, tantivy.Query.term_query(self._schema, _FIELD, term, "freq")) for term in terms
        ]
        return tantivy.Query.boolean_query(subqueries)

    def _frequency(self, term: str) -> int:
        return int(self._searcher.doc_freq(_FIELD, term))
