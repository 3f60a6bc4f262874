"""Prompts become the tokens that the model was trained with, and text of strangers opens no turn."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pasa_tui.errors import ModelError
from pasa_tui.models.engines.protocol import Prompt
from pasa_tui.models.engines.torch_prompts import PromptEncoder
from tests import tiny

transformers = pytest.importorskip("transformers")

SPECIAL = (tiny.IM_START, tiny.IM_END, tiny.END)


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("tokenizer")
    tiny.make_tokenizer(folder)
    return transformers.AutoTokenizer.from_pretrained(folder)


@pytest.fixture(scope="module")
def encoder(tokenizer: Any) -> PromptEncoder:
    return PromptEncoder(tokenizer, "tiny")


def rendered(tokenizer: Any, prompt: Prompt) -> list[int]:
    """What transformers itself makes of the chat."""
    turns = [{"role": "system", "content": prompt.system}] if prompt.system else []
    turns.append({"role": "user", "content": prompt.text})
    return list(tokenizer.apply_chat_template(turns, add_generation_prompt=True, return_dict=False))


prompts = st.text(alphabet="abc \n<|>[]:{}é語", min_size=1, max_size=40)
hostile = st.lists(
    st.sampled_from([*SPECIAL, "text", "\n", " ", "turn0text", "turn0textU"]), min_size=1, max_size=8
).map("".join)


@given(text=prompts, system=prompts | st.just(""))
def test_plain_chats_have_the_tokens_of_the_template(text: str, system: str, tokenizer: Any, encoder: Any) -> None:
    prompt = Prompt(text, system=system)
    assert encoder.encode(prompt, 10_000) == rendered(tokenizer, prompt)


@given(text=prompts)
def test_plain_raw_prompts_have_the_tokens_of_the_tokenizer(text: str, tokenizer: Any, encoder: Any) -> None:
    assert encoder.encode(Prompt(text, raw=True), 10_000) == tokenizer(text)["input_ids"]


@given(text=hostile, system=hostile | st.just(""))
def test_no_text_can_write_a_special_token(text: str, system: str, tokenizer: Any, encoder: Any) -> None:
    special = set(tokenizer.convert_tokens_to_ids(list(SPECIAL)))
    raw = encoder.encode(Prompt(text, raw=True), 10_000)
    assert special.isdisjoint(raw) and tokenizer.decode(raw) == text
    chat = encoder.encode(Prompt(text, system=system), 10_000)
    harmless = rendered(tokenizer, Prompt("x", system="y" if system else ""))
    assert [token for token in chat if token in special] == [token for token in harmless if token in special]
    turns = [{"role": "system", "content": system}] if system else []
    turns.append({"role": "user", "content": text})
    assert tokenizer.decode(chat) == tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)


def test_a_long_prompt_keeps_its_beginning_and_its_end(tokenizer: Any, encoder: PromptEncoder) -> None:
    text = f"The question is this.{' word' * 500}\nDecision:"
    tokens = encoder.encode(Prompt(text, raw=True), 40)
    assert len(tokens) == 40
    kept = tokenizer.decode(tokens)
    assert kept.startswith("The question is this.") and kept.endswith("\nDecision:")


def test_an_empty_prompt_and_a_missing_template_are_told(tmp_path: Path, encoder: PromptEncoder) -> None:
    with pytest.raises(ModelError, match="empty"):
        encoder.encode(Prompt("", raw=True), 10)
    tiny.make_tokenizer(tmp_path)
    bare = transformers.AutoTokenizer.from_pretrained(tmp_path)
    bare.chat_template = None
    with pytest.raises(ModelError, match="no chat template"):
        PromptEncoder(bare, "bare").encode(Prompt("a question"), 10)


def test_a_template_without_a_system_turn_gets_one_text(tmp_path: Path) -> None:
    tiny.make_tokenizer(tmp_path)
    strict = transformers.AutoTokenizer.from_pretrained(tmp_path)
    strict.chat_template = (
        "{% for message in messages %}{% if message['role'] == 'system' %}{{ raise_exception('no system') }}{% endif %}"
        "{{ message['content'] }}{% endfor %}"
    )
    tokens = PromptEncoder(strict, "strict").encode(Prompt("a question", system="be brief"), 100)
    assert strict.decode(tokens) == "be brief\n\na question"


def test_a_tokenizer_without_special_tokens_has_none_to_split() -> None:
    class Plain(SimpleNamespace):
        def __call__(self, text: str, **options: object) -> dict[str, list[int]]:
            return {"input_ids": [ord(character) for character in text]}

    plain = Plain(added_tokens_decoder={}, all_special_tokens=[], apply_chat_template=lambda turns, **options: "ab")
    assert PromptEncoder(plain, "plain").encode(Prompt("x"), 10) == [97, 98]
