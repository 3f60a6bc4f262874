"""The prompts that PaSa's checkpoints were trained with. They travel with the weights, not with this project."""

import hashlib
import string
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from pasa_tui.errors import ModelError
from pasa_tui.models.engines.protocol import Prompt
from pasa_tui.papers import Paper, Query

_PLACES = {
    "generate_query": {"user_query"},
    "select_section": {"user_query", "title", "abstract", "sections"},
    "get_selected": {"user_query", "title", "abstract"},
}
"""What each prompt is filled with."""
_LARGEST = 1_000_000


@dataclass(frozen=True, slots=True)
class PublishedPrompts:
    """`agent_prompt.json`, filled as the published agent does it, byte for byte.

    Its Crawler's prompts are stripped and go through the chat template; its Selector's is given as it is.
    `temperature` and `top_p` are those of the ensemble's further runs (arXiv 2501.10120).
    """

    templates: dict[str, str]
    digest: str
    name: str = "published"
    temperature: float = 2.0
    top_p: float = 0.8

    @classmethod
    def load(cls, path: Path) -> "PublishedPrompts":
        """Read the file. Raises ModelError where it can't be read or is not PaSa's."""
        again = "Fetch it again: pasa-tui models fetch pasa-7b."
        try:
            if path.stat().st_size > _LARGEST:
                raise ModelError(f"{path} is far too large for PaSa's prompts.", again)
            data = path.read_bytes()
            templates = msgspec.json.decode(data, type=dict[str, str])
        except OSError as error:
            raise ModelError(f"{path} can't be read: {error.strerror}.", "Make it readable.") from error
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise ModelError(f"{path} does not hold PaSa's prompts: {error}.", again) from error
        for name, places in _PLACES.items():
            if name not in templates:
                raise ModelError(f"{path} lacks the prompt {name}.", again)
            if _places_of(templates[name]) != places:
                raise ModelError(
                    f"The prompt {name} of {path} is not filled with {', '.join(sorted(places))} and nothing else.",
                    again,
                )
        return cls({name: templates[name] for name in _PLACES}, hashlib.sha256(data).hexdigest()[:12])

    def searches(self, query: Query) -> Prompt:
        """As PaSa's Crawler is asked for searches."""
        return Prompt(self.templates["generate_query"].format(user_query=query.text).strip())

    def sections(self, query: Query, paper: Paper, sections: Sequence[str]) -> Prompt:
        """As PaSa's Crawler is asked for sections; their names as the text of a view of a dict's keys."""
        filled = self.templates["select_section"].format(
            user_query=query.text, title=paper.title, abstract=paper.abstract, sections=dict.fromkeys(sections).keys()
        )
        return Prompt(filled.strip())

    def decision(self, query: Query, paper: Paper) -> Prompt:
        """As PaSa's Selector is asked."""
        filled = self.templates["get_selected"].format(
            user_query=query.text, title=paper.title, abstract=paper.abstract
        )
        return Prompt(filled, raw=True)


def _places_of(template: str) -> set[str] | None:
    try:
        parsed = list(string.Formatter().parse(template))
    except ValueError:
        return None
    fields = [(name, form, conversion) for _, name, form, conversion in parsed if name is not None]
    # A format or a conversion would make another text of the value.
    return None if any(form or conversion for _, form, conversion in fields) else {name for name, _, _ in fields}
