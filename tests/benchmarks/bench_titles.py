"""Read bibliographies that the real LaTeXML made, in many styles, and count what was read right.

    python -m tests.benchmarks.bench_titles [--cache FOLDER] [--wrong]

Goals: 98 of 100 titles over all styles whose entries show titles, 95 of 100 in each; every section with its name and
its citations exactly. Exits 1 when a goal is missed, 2 where LaTeXML is not installed.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.latexml.measure import HELD_OUT, Score, can_convert, convert, score

COLUMNS = ("entries", "titles", "years", "authors", "arXiv ids", "DOIs", "sections")


def row(result: Score) -> str:
    """One line of the table: right of shown, and the share of titles."""
    entries = max(result.shown.get("titles", 0), result.shown.get("no false titles", 0))
    cells = [f"{result.right.get(what, 0)}/{result.shown.get(what, 0)}" for what in COLUMNS[1:]]
    share = f"{result.share('titles'):7.1%}" if "titles" in result.shown else "      -"
    return f"{result.style:<18}{entries:>8}{share:>8}" + "".join(f"{cell:>11}" for cell in cells)


def total(name: str, results: list[Score]) -> Score:
    """Several papers as one."""
    summed = Score(name)
    for result in results:
        for what in result.shown:
            summed.shown[what] = summed.shown.get(what, 0) + result.shown[what]
            summed.right[what] = summed.right.get(what, 0) + result.right[what]
    return summed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "pasa-tui-latexml")
    parser.add_argument("--wrong", action="store_true", help="list everything that was read wrong")
    options = parser.parse_args()
    if not can_convert():
        print("LaTeXML is not installed (apt-get install latexml).", file=sys.stderr)
        return 2
    results = [score(style, page) for style, page in convert(options.cache).items()]
    titled = [result for result in results if "titles" in result.shown]
    held_out = [result for result in titled if result.style in HELD_OUT]
    print(f"{'style':<18}{'entries':>8}{'share':>8}" + "".join(f"{what:>11}" for what in COLUMNS[1:]))
    for result in results:
        print(row(result))
        for line in result.wrong if options.wrong else ():
            print(f"    {line}")
    print(row(total("all", results)))
    print(row(total("held out", held_out)))
    missed = total("", titled).share("titles") < 0.98 or any(result.share("titles") < 0.95 for result in titled)
    return int(missed or any(result.share("sections") < 1 for result in results))


if __name__ == "__main__":
    sys.exit(main())
