"""What a search is likely to cost, told before it begins."""

from contextlib import suppress
from dataclasses import dataclass

from pasa_tui.assembly.building import weight_folders
from pasa_tui.assembly.requests import SearchRequest
from pasa_tui.config import Paths
from pasa_tui.config.profiles import BUILTIN, find_profile
from pasa_tui.config.settings import Settings
from pasa_tui.errors import ModelError
from pasa_tui.library import Library

_ALIKE = 200
"""Past searches looked through for such as looked in the same place."""
_SLOW = 120.0
"""Seconds from which on a search is called slow."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """`text` says in a line what the search is likely to take; `limit` what may be spent, 0 for no limit.

    `is_paid` where tokens have a price, `is_slow` where it is likely to take minutes.
    """

    text: str
    limit: float
    is_paid: bool
    is_slow: bool

    @property
    def asks(self) -> bool:
        """Whether a person should be asked first: money without a limit."""
        return self.is_paid and not self.limit


def expect(request: SearchRequest, settings: Settings, paths: Paths, library: Library) -> Expectation | None:
    """What a search is likely to take; None with the builtin agent, which costs nothing.

    Raises PasaError where the model or its prompts are not there.
    """
    if request.model == BUILTIN:
        return None
    from pasa_tui.models.checking import known_speed
    from pasa_tui.models.costs import describe_estimate, estimate_cost
    from pasa_tui.models.loading import prompts_of
    from pasa_tui.models.weights import find_weights

    profile = find_profile(request.model, settings.profiles)
    folders = weight_folders(settings, paths)
    models = () if profile.engine == "openai" else (profile.crawler_model, profile.selector_model)
    weights = []
    for model in models:
        # Where they are not there, whoever loads them says so.
        with suppress(ModelError):
            weights.append(find_weights(model, folders))
    estimate = estimate_cost(
        request.query,
        profile,
        prompts_of(profile, folders, weights),
        request.settings,
        past_papers=_past_papers(request, library),
        speed=known_speed(paths.speeds_file, request.model),
    )
    return Expectation(
        text=describe_estimate(estimate, paid=profile.is_paid),
        limit=request.settings.max_cost,
        is_paid=profile.is_paid,
        is_slow=estimate.seconds is not None and estimate.seconds > _SLOW,
    )


def _past_papers(request: SearchRequest, library: Library) -> list[int]:
    """Papers met by finished searches that looked in the same place."""
    return [
        row.met
        for row in library.searches(limit=_ALIKE)
        if row.status == "done"
        and row.settings.get("corpus") == request.corpus
        and tuple(row.settings.get("sources", ())) == request.sources
        and row.settings.get("agent", {}).get("search_papers") == request.settings.search_papers
        and row.settings.get("agent", {}).get("planner", "single") == request.settings.planner
    ]
