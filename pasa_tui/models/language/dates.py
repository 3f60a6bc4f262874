"""Criteria on when a paper appeared: said in words that can be read back, and checked by us, not by a model."""

import datetime as dt
import re
from typing import Any

from pasa_tui.criteria import Level

_BOUNDS = re.compile(r"appeared(?: from (\d{4}-\d\d-\d\d))?(?: up to (\d{4}-\d\d-\d\d))?")


def say_bounds(first: dt.date | None, last: dt.date | None) -> str:
    """`appeared from 2020-01-01 up to 2021-12-31`, with either bound or both."""
    return "appeared" + (f" from {first}" if first else "") + (f" up to {last}" if last else "")


def check_bounds(text: str, date: dt.date | None) -> Level | None:
    """How far a date meets what `say_bounds` wrote; None where the text is another, or there is no date."""
    match = _BOUNDS.fullmatch(text)
    if match is None or date is None:
        return None
    first, last = (dt.date.fromisoformat(bound) if bound else None for bound in match.groups())
    return "no" if (first and date < first) or (last and date > last) else "yes"


def parse_bound(value: Any, *, last: bool) -> dt.date | None:
    """A date as a model writes it: a whole one, a month or a year, of which `last` takes the end. None for others."""
    match = re.fullmatch(r"\s*(\d{4})(?:-(\d{1,2}))?(?:-(\d{1,2}))?.*", str(value)) if value else None
    if match is None:
        return None
    year, month, day = (int(part) if part else None for part in match.groups())
    try:
        if year is None or year == 0:
            return None
        if day:
            return dt.date(year, month or 1, day)
        if not last:
            return dt.date(year, month or 1, 1)
        following = dt.date(year, month, 28) + dt.timedelta(days=4) if month else dt.date(year, 12, 31)
        return following - dt.timedelta(days=following.day) if month else following
    except (ValueError, OverflowError):
        return None
