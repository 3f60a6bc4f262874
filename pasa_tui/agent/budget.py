"""What a search may spend before it stops."""

from dataclasses import dataclass

from pasa_tui.config.settings import AgentSettings


@dataclass(frozen=True, slots=True)
class Budget:
    """Papers met, seconds and requests to sources; None is no limit."""

    papers: int | None = None
    seconds: float | None = None
    requests: int | None = None

    @classmethod
    def of(cls, settings: AgentSettings) -> "Budget":
        """The budget in the settings, where 0 is no limit."""
        return cls(settings.max_papers or None, settings.max_seconds or None, settings.max_requests or None)

    def spent(self, *, papers: int, requests: int) -> str:
        """Which limit is reached, in words for a person, or an empty string.

        Seconds are kept by a deadline over the whole run, so that a source that hangs is cut short too.
        """
        if self.papers is not None and papers >= self.papers:
            return f"the limit of {self.papers:,} papers (agent.max_papers)"
        if self.requests is not None and requests >= self.requests:
            return f"the limit of {self.requests:,} requests (agent.max_requests)"
        return ""
