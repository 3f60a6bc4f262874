"""Records that could not be taken as they are: counted by kind, the first few kept with where they stand."""

from collections.abc import Iterator
from dataclasses import dataclass, field

SHOWN = 3
"""How many places of each kind are kept."""

_MAX_KINDS = 30


@dataclass(slots=True)
class Problem:
    """`count` records of one file had the same problem; `places` are the first `SHOWN` (line numbers or names)."""

    file: str
    kind: str
    count: int = 0
    places: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        more = ", …" if self.count > len(self.places) else ""
        return f"{self.file}: {self.count:,} × {self.kind} ({', '.join(self.places)}{more})"


class Problems:
    """All problems of a build, in the order in which each kind was first met."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], Problem] = {}

    def add(self, file: str, kind: str, place: str) -> None:
        """Count one record of `file` that stands at `place`."""
        key = (file, kind)
        if key not in self._found and len(self._found) >= _MAX_KINDS:
            key = (file, "other problems")
        problem = self._found.setdefault(key, Problem(*key))
        problem.count += 1
        if len(problem.places) < SHOWN:
            problem.places.append(place)

    def __iter__(self) -> Iterator[Problem]:
        return iter(self._found.values())

    def __len__(self) -> int:
        return sum(problem.count for problem in self)
