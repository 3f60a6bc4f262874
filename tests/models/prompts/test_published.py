import hashlib
import json
from pathlib import Path

import pytest

from pasa_tui.errors import ModelError
from pasa_tui.models.prompts.published import PublishedPrompts
from pasa_tui.papers import Paper, Query

UPSTREAM = Path(__file__).parents[4] / "shared" / "upstream" / "agent_prompt.json"
OURS = {
    "generate_query": " Searches for {user_query}, please. \n",
    "select_section": "On {user_query}: {title} / {abstract}\n{sections}\n",
    "get_selected": "Is {title} ({abstract}) on {user_query}?\nDecision: ",
    "get_value": "{user_query} {title} {abstract}",
}
QUERY = Query("braces {title} and {0}")
PAPER = Paper("A {user_query} title", "An abstract with } and {.", arxiv_id="2001.00001")
SECTIONS = ("Intro", 'It\'s "quoted"', "2 Related Work")


def written(path: Path, prompts: object) -> Path:
    path.write_text(prompts if isinstance(prompts, str) else json.dumps(prompts), encoding="utf-8")
    return path


def check_bytes(templates: dict[str, str], prompts: PublishedPrompts) -> None:
    facts = {"user_query": QUERY.text, "title": PAPER.title, "abstract": PAPER.abstract}
    keys = {name: [] for name in SECTIONS}.keys()
    assert prompts.searches(QUERY).text == templates["generate_query"].format(user_query=QUERY.text).strip()
    assert (
        prompts.sections(QUERY, PAPER, SECTIONS).text
        == templates["select_section"].format(**facts, sections=keys).strip()
    )
    decision = prompts.decision(QUERY, PAPER)
    assert decision.text == templates["get_selected"].format(**facts)
    assert decision.raw and not prompts.searches(QUERY).raw and not prompts.searches(QUERY).system


def test_prompts_are_filled_as_the_published_agent_fills_them(tmp_path: Path) -> None:
    path = written(tmp_path / "agent_prompt.json", OURS)
    prompts = PublishedPrompts.load(path)
    check_bytes(OURS, prompts)
    assert (
        "dict_keys(['Intro', 'It\\'s \"quoted\"', '2 Related Work'])" in prompts.sections(QUERY, PAPER, SECTIONS).text
    )
    assert prompts.digest == hashlib.sha256(path.read_bytes()).hexdigest()[:12]
    assert (prompts.temperature, prompts.top_p) == (2.0, 0.8)


@pytest.mark.skipif(not UPSTREAM.is_file(), reason="../shared/upstream is absent")
def test_the_published_file_is_filled_byte_for_byte() -> None:
    templates = json.loads(UPSTREAM.read_text(encoding="utf-8"))
    prompts = PublishedPrompts.load(UPSTREAM)
    check_bytes(templates, prompts)
    assert prompts.decision(QUERY, PAPER).text.endswith("Decision:")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", "does not hold PaSa's prompts"),
        ("[]", "does not hold PaSa's prompts"),
        ({"generate_query": "{user_query}"}, "lacks the prompt select_section"),
        ({**OURS, "get_selected": "{title}"}, "is not filled with"),
        ({**OURS, "get_selected": "{title} {abstract} {user_query} {more}"}, "is not filled with"),
        ({**OURS, "get_selected": "{title"}, "is not filled with"),
        ({**OURS, "generate_query": "{user_query.__class__}"}, "is not filled with"),
        ({**OURS, "generate_query": "{user_query!r:>9999}"}, "is not filled with"),
        ({**OURS, "generate_query": "{user_query} {user_query:>9999}"}, "is not filled with"),
        ({**OURS, "generate_query": "{user_query} {user_query:{title}}"}, "is not filled with"),
    ],
)
def test_a_file_that_is_not_pasas_is_one_clear_message(tmp_path: Path, content: object, says: str) -> None:
    with pytest.raises(ModelError, match=says) as caught:
        PublishedPrompts.load(written(tmp_path / "agent_prompt.json", content))
    assert "models fetch pasa-7b" in caught.value.hint


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="can't be read"):
        PublishedPrompts.load(tmp_path / "none.json")
