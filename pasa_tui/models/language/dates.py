"""Criteria on when a paper appeared: said in words that can be read back, and checked by us, not by a model."""

import calendar
import datetime as dt
import re
from typing import Any

from pasa_tui.criteria import Level

_BOUNDS = re.compile(r"appeared(?: from (\d{4}-\d\d-\d\d))?(?: up to (\d{4}-\d\d-\d\d))?", re.ASCII)
_DATE = re.compile(r"\s*(\d{4})(?:[-/.]?(\d\d?)(?:[-/.]?(\d\d?))?)?(?!\d).*", re.ASCII | re.S)


def say_bounds(first: dt.date | None, last: dt.date | None) -> str:
    """`appeared from 2020-01-01 up to 2021-12-31`, with either bound or both."""
    return "appeared" + (f" from {first}" if first else "") + (f" up to {last}" if last else "")


def check_bounds(text: str, date: dt.date | None) -> Level | None:
    """How far a date meets what `say_bounds` wrote; None where the text is another, or there is no date."""
    match = _BOUNDS.fullmatch(text)
    if match is None or date is None:
        return None
    try:
        first, last = (dt.date.fromisoformat(bound) if bound else None for bound in match.groups())
    except ValueError:
        return None
    if first is None and last is None:
        return None
    return "no" if (first and date < first) or (last and date > last) else "yes"


def parse_bound(value: Any, *, last: bool) -> dt.date | None:
    """A date as a model writes it: a whole one, a month or a year, of which `last` takes the end. None for others.

    A day that its month doesn't have is the month's last.
    """
    match = _DATE.fullmatch(str(value)[:100]) if isinstance(value, str | int) else None
    if match is None:
        return None
    year, month, day = (int(part) if part else None for part in match.groups())
    if not year or month == 0 or day == 0 or (month or 1) > 12 or (day or 1) > 31:
        return None
    month = month or (12 if last else 1)
    longest = calendar.monthrange(year, month)[1]
    return dt.date(year, month, min(day or (longest if last else 1), longest))
