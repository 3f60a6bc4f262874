"""A thousand records of papers that strangers wrote to break readers, from a seed: the same ones each time."""

import random
from datetime import date

from pasa_tui.export.record import Record, merged
from pasa_tui.papers import Paper
from tests.export.nasty import MATH, nasty_papers

_SCRAPS = [
    '\\', '{', '}', '$', '%', '&', '#', '_', '~', '^', '<', '>', '|', '"', "'", '`', '@', '=', ',',
    ';', '-', '?', '!', '[', ']', '--', '---', '``', "''", '\\input{x}', '\\end{document}', '$x_1$',
    '$\\alpha$', '$$', '<i>', '</i>', '<b>', '<!--', '<script>alert(1)</script>', '&amp;', '&lt;',
    'ER  - ', 'TY  - JOUR', '\nER  - \n', '\r\nAU  - Evil, E.\r\n', '@misc{a,', 'xdata=', ' and ',
    'others', 'Retrieval', 'BERT', 'GPT-4', 'of', 'the', 'learning', '中文', 'é', 'ß', 'Łódź', 'ﬁ',
    'עברית', 'русский', '🤖', '\U0001f469\u200d\U0001f52c', '̂', '\u200d', '\u2028', '\xa0', '\xad',
    '1', '2020', '*', '**x**', '# ', '- ', '1. ', '+', '[a](javascript:b)', '![](x)',
    'https://evil.example', '{:type: book}', '=1+1', '\t', 'http://x.y/%7B', '…', '½', '∞',
]  # fmt: skip
_VENUES = [
    None,
    None,
    "ICLR 2023",
    "Journal of X & Y",
    "arXiv.org",
    "Somewhere",
    "Proceedings of {the} <i>3rd</i> Workshop",
]


def hostile_records(count: int = 1_000, seed: int = 0) -> list[Record]:
    """`count` records of different papers, those of `nasty` among them, with tags, notes and reasons as hostile."""
    rng = random.Random(seed)

    def text(most: int) -> str:
        return "".join(rng.choices([*_SCRAPS, " ", " ", " "], k=rng.randrange(most)))

    def record(paper: Paper) -> Record:
        return Record(
            paper,
            score=rng.choice([None, rng.random()]),
            selected=rng.random() < 0.5,
            reason=text(12),
            found_by=f"found by search “{text(6)}”",
            starred=rng.random() < 0.2,
            tags=tuple(f"{text(3)}tag{number}" for number in range(rng.randrange(3))),
            note=text(9),
        )

    records = [record(paper) for paper in nasty_papers() + MATH]
    for number in range(2 * count):
        paper = Paper(
            f"{text(14)} {number:b}".translate({48: "a", 49: "b"}) if number % 9 else text(14),
            text(40),
            tuple(text(5) for _ in range(rng.randrange(5))),
            rng.choice([None, date(1990 + number % 35, 1 + number % 12, 1 + number % 28)]),
            arxiv_id=f"{10 + number % 15}02.{number:05d}" if number % 3 == 0 else None,
            doi=rng.choice([f"10.1234/{number}", f"10.1234/{number}{text(3)}"]) if number % 4 == 1 else None,
            venue=rng.choice(_VENUES),
            categories=rng.choice([(), ("cs.IR",), (text(2),)]),
            abstract_kind="summary" if number % 6 == 2 else "abstract",
        )
        records.append(record(paper))
    return merged(records)[:count]
