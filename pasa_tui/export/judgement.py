"""What the search said of a paper, in a line for the notes of a reference."""

from pasa_tui.export.ascii import cleaned
from pasa_tui.export.record import Record


def judgement(record: Record) -> str:
    """Score, reason and what led to the paper, as far as they are known; "" where the search said nothing.

    >>> from pasa_tui.papers import Paper
    >>> judgement(Record(Paper("A"), 0.9, reason="On the matter.", found_by="found by search “x”"))
    'pasa-tui: score 0.90; found by search “x”. On the matter.'
    """
    facts = [f"score {record.score:.2f}"] if record.score is not None else []
    if found_by := cleaned(record.found_by):
        facts.append(found_by)
    text = f"{'; '.join(facts)}. " if facts else ""
    text = (text + cleaned(record.reason)).strip()
    return f"pasa-tui: {text}" if text else ""
