"""A tiny Qwen2 made on the spot, in Hugging Face format, that behaves like the agent's models in miniature.

`make_tiny_model` trains one in some seconds. To a chat about a question it answers with `[Search]`es on the question's
subject, to a chat that lists sections (the word "Sections") with `[Expand]Related Work[StopExpand]`, and to a chat
that asks for "True or False" with one of these. After a raw text that ends in `Decision:` the next token is `True`
or `False`; how likely depends on the words in `LEANINGS` that the text holds. `random_qwen2` makes one of
Qwen2.5's sizes with random weights, for speed alone. Head size 64, so that vLLM and llama.cpp run them too.
"""

import hashlib
import json
import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock

IM_START, IM_END, END = "<|im_start|>", "<|im_end|>", "<|endoftext|>"
CONTEXT = 2048
"""Tokens of prompt and answer together."""

SEARCHES = {
    "retrieval": ("dense retrieval", "neural ranking"),
    "graph": ("graph networks", "node embeddings"),
    "speech": ("speech recognition", "audio encoders"),
    "vision": ("image segmentation", "vision transformers"),
    "translation": ("machine translation", "multilingual models"),
    "agents": ("language agents", "tool use"),
}
"""What is searched for, by the subject that the question names."""
OTHER_SEARCHES = ("language models", "deep learning")

LEANINGS = {
    "retrieval": 3.0,
    "ranking": 2.2,
    "agents": 1.5,
    "translation": 0.9,
    "graph": -0.6,
    "vision": -1.2,
    "speech": -2.0,
    "survey": -3.0,
}
"""The log odds of `True` that a word brings; of several the mean counts, of none 0."""

CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)

_FILLER = """a about above abstract according all also an analysis and answer any approach are as ask at authors based
be been below benchmark best better between both but by can category cite class code compare complete condition consider
criteria data date decide deep demonstrate describe design different do does each effective efficient evaluation every
example exactly experiments explore false field find first following for format framework from full general give given
goal good has have help here high how if important improve in include information input into is it its itself json
judge knowledge language large later learning least less level like line list long low made main make many may means
meet method methods model models more most must name need network neural new no none not nothing novel number of on
once one only open or order other our out output own paper papers part per performance plan please point possible
present problem process propose provide published query question questions quote read reason relevant reply request
require research results return review same score search searches second see sentence several short show simple single
so some specific state statement step study such system systems task tasks term test text than that the their them
then these they this those through time title to topic towards training true two under unique use used user using
value very was way we well what when where whether which while who will with word words work works would write year
years yes yet you your"""
_STEPS = 340
_SECTIONS = "Abstract Introduction Background Method Experiments Results Discussion Conclusion Appendix".split()


def search_text(subject: str = "") -> str:
    """What the model answers to a question on `subject`."""
    return "".join(f"[Search]{text}" for text in SEARCHES.get(subject, OTHER_SEARCHES)) + "[StopSearch]"


EXPAND_TEXT = "[Expand]Related Work[StopExpand]"
"""What the model answers to a list of sections."""


def tiny_model_once(root: Path) -> Path:
    """The tiny model in a folder under `root`: made by the first that asks, of several processes too, shared by all.

    What was made by another version of this module, or of torch, is not taken.
    """
    import torch

    made_by = Path(__file__).read_bytes() + torch.__version__.encode()
    folder = root / f"tiny-{hashlib.sha256(made_by).hexdigest()[:16]}"
    root.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        return folder if (folder / "config.json").exists() else make_tiny_model(folder)


def make_tiny_model(folder: Path, *, seed: int = 0) -> Path:
    """Train the tiny model and write it, with its tokenizer, into `folder`; that folder is returned."""
    return _make(folder, seed, steps=_STEPS)


def make_untrained_model(folder: Path, *, seed: int = 0) -> Path:
    """The same with random weights, at once: for tests of files alone."""
    return _make(folder, seed, steps=0)


def _make(folder: Path, seed: int, steps: int) -> Path:
    import torch
    from transformers import Qwen2ForCausalLM

    rng = random.Random(seed)
    tokenizer = make_tokenizer(folder)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # on so small tensors, and a busy machine, threads wait for each other many times longer
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            config = _config(tokenizer.get_vocab_size(), hidden=128, layers=2, heads=2, kv_heads=1, inner=128)
            model = Qwen2ForCausalLM(config)
            if steps:
                _train(model, tokenizer, rng, steps)
    finally:
        torch.set_num_threads(threads)
    _write(model.eval(), folder)
    return folder


def random_qwen2(
    folder: Path,
    *,
    size: Literal["0.5B", "7B"] = "0.5B",
    dtype: str = "float32",
    seed: int = 0,
    texts: Sequence[str] = (),
    vocabulary: int = 900,
) -> Path:
    """Write a model of Qwen2.5's shape with random weights into `folder`.

    Its tokenizer is trained on `texts` too, up to `vocabulary` tokens, so that these have about as many tokens as in
    Qwen2.5's. The model's vocabulary is as large as Qwen2.5's, whose embeddings are a fair part of the work; tokens
    beyond the tokenizer's are never asked for.
    """
    import torch
    from transformers import Qwen2ForCausalLM

    make_tokenizer(folder, texts=texts, vocabulary=vocabulary)
    shapes = {
        "0.5B": _config(151936, hidden=896, layers=24, heads=14, kv_heads=2, inner=4864, tied=True),
        "7B": _config(152064, hidden=3584, layers=28, heads=28, kv_heads=4, inner=18944),
    }
    default = torch.get_default_dtype()
    torch.set_default_dtype(getattr(torch, dtype))
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            _write(Qwen2ForCausalLM(shapes[size]), folder)
    finally:
        torch.set_default_dtype(default)
    return folder


def make_tokenizer(folder: Path, *, texts: Sequence[str] = (), vocabulary: int = 900) -> Any:
    """Train a byte-level BPE tokenizer, as Qwen2's in all but its vocabulary, and write it into `folder`."""
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, normalizers, pre_tokenizers, trainers
    from tokenizers.models import BPE
    from transformers.models.qwen2.tokenization_qwen2 import PRETOKENIZE_REGEX

    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = Tokenizer(BPE())
    tokenizer.normalizer = normalizers.NFC()
    split = pre_tokenizers.Split(Regex(PRETOKENIZE_REGEX), behavior="isolated")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        min_frequency=2,
        show_progress=False,
    )
    rng = random.Random(0)
    examples = [example for example, _ in zip(_examples(rng), range(1000), strict=False)]
    own = [text for example in examples for text in (example.prompt, example.answer)]
    tokenizer.train_from_iterator([*own, *(["False"] * 500), *texts], trainer)
    tokenizer.add_special_tokens(
        [AddedToken(token, special=True, normalized=False) for token in (END, IM_START, IM_END)]
    )
    assert all(tokenizer.token_to_id(word) for word in ("True", "False")), "each a token"
    tokenizer.save(str(folder / "tokenizer.json"))
    _write_json(folder / "tokenizer_config.json", _tokenizer_config(tokenizer))
    ids = [tokenizer.token_to_id(IM_END), tokenizer.token_to_id(END)]
    _write_json(folder / "generation_config.json", {"eos_token_id": ids, "pad_token_id": ids[1]})
    return tokenizer


@dataclass(frozen=True)
class _Example:
    """A prompt, the text that follows it, and the share of `True` where that text is a decision."""

    prompt: str
    answer: str
    true: float | None = None


def _examples(rng: random.Random) -> Iterator[_Example]:
    while True:
        kind = rng.choice(["search"] * 3 + ["expand"] * 3 + ["decide"] * 3 + ["ask"])
        subject = rng.choice([*SEARCHES, ""])
        question = _text(rng, 3, [subject] if subject else [])
        marked = rng.sample(sorted(LEANINGS), rng.choice([0, 1, 1, 1, 2]))
        paper = f"Title: {_text(rng, 2, marked)}"
        if rng.random() < 0.7:
            paper += f"\nAbstract: {_text(rng, 4, [])}"
        match kind:
            case "search":
                asked = rng.choice(
                    [question, f"{_text(rng, 6, [])}\nUser Query: {question}", f"{question}\n{_text(rng, 6, [])}"]
                )
                yield _Example(_chat(asked, rng), search_text(subject) + IM_END)
            case "expand":
                names = [*rng.sample(_SECTIONS, rng.randint(1, 4)), "Related Work"]
                names = rng.sample(names, len(names))
                listed = rng.choice([", ".join(names), str(dict.fromkeys(names).keys()), "\n".join(names)])
                yield _Example(_chat(f"{question} {paper}\nSections: {listed}", rng), EXPAND_TEXT + IM_END)
            case "decide":
                after = f"\n{_text(rng, 3, [])}" if rng.random() < 0.5 else ""
                prompt = f"{_text(rng, 4, [])}\n{paper}{after}\nDecision:"
                yield _Example(prompt, "True", _share(marked))
            case _:
                prompt = f"{_text(rng, 4, [])}\n{paper}\nAnswer True or False."
                yield _Example(_chat(prompt, rng), "True", _share(marked))


def _share(words: list[str]) -> float:
    return 1 / (1 + math.exp(-sum(LEANINGS[word] for word in words) / max(1, len(words))))


def _chat(text: str, rng: random.Random) -> str:
    system = f"{IM_START}system\n{_text(rng, 4, [])}{IM_END}\n" if rng.random() < 0.3 else ""
    return f"{system}{IM_START}user\n{text}{IM_END}\n{IM_START}assistant\n"


def _text(rng: random.Random, words: int, marked: list[str]) -> str:
    """Mostly plain words, now and then one that means nothing; now and then a good deal longer."""
    count = rng.randint(1, words) * (8 if rng.random() < 0.1 else 1)
    plain = _FILLER.split()
    text = [rng.choice(plain) if rng.random() < 0.85 else _word(rng) for _ in range(count)]
    text = [word.capitalize() if rng.random() < 0.15 else word for word in text]
    for word in marked:
        text.insert(rng.randint(0, len(text)), word.capitalize() if rng.random() < 0.3 else word)
    return " ".join(text)


def _word(rng: random.Random) -> str:
    word = "".join(rng.choice("bcdfglmnprstv") + rng.choice("aeiou") for _ in range(rng.randint(1, 4)))
    return rng.choice([word, word.capitalize(), word + rng.choice(".,;:!?"), str(rng.randint(1, 2030)), f"({word})"])


def _train(model: Any, tokenizer: Any, rng: random.Random, steps: int) -> None:
    """Cross entropy on the answers alone; a decision's target is its share of `True`."""
    import torch

    decisions = {"True": tokenizer.token_to_id("True"), "False": tokenizer.token_to_id("False")}
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, betas=(0.9, 0.98), weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=3e-3, total_steps=steps, pct_start=0.15)
    for _, batch in zip(range(steps), _batches(tokenizer, rng), strict=False):
        ids = torch.zeros(len(batch), max(len(prompt) + len(answer) for _, prompt, answer in batch), dtype=torch.long)
        targets: list[tuple[int, int, int, float]] = []
        for row, (example, prompt, answer) in enumerate(batch):
            ids[row, : len(prompt) + len(answer)] = torch.tensor(prompt + answer)
            last = len(prompt) - 1
            if example.true is None:
                targets += [(row, last + offset, token, 1.0) for offset, token in enumerate(answer)]
            else:
                targets += [(row, last, decisions["True"], example.true)]
                targets += [(row, last, decisions["False"], 1 - example.true)]
        rows, places, tokens, weights = zip(*targets, strict=True)
        hidden = model.model(ids).last_hidden_state[list(rows), list(places)]
        losses = torch.nn.functional.cross_entropy(model.lm_head(hidden), torch.tensor(tokens), reduction="none")
        loss = (losses * torch.tensor(weights)).sum() / sum(weights)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()


def _batches(
    tokenizer: Any, rng: random.Random, size: int = 24
) -> Iterator[list[tuple[_Example, list[int], list[int]]]]:
    """Examples with the tokens of prompt and answer, those of about one length together."""
    examples = _examples(rng)
    while True:
        drawn = [next(examples) for _ in range(8 * size)]
        rows = [(one, tokenizer.encode(one.prompt).ids, tokenizer.encode(one.answer).ids) for one in drawn]
        rows.sort(key=lambda row: len(row[1]))
        batches = [rows[start : start + size] for start in range(0, len(rows), size)]
        rng.shuffle(batches)
        yield from batches


def _config(
    vocabulary: int, *, hidden: int, layers: int, heads: int, kv_heads: int, inner: int, tied: bool = False
) -> Any:
    from transformers import Qwen2Config

    return Qwen2Config(
        vocab_size=vocabulary,
        hidden_size=hidden,
        intermediate_size=inner,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=kv_heads,
        max_position_embeddings=CONTEXT,
        max_window_layers=layers,
        tie_word_embeddings=tied,
    )


def _write(model: Any, folder: Path) -> None:
    """Save the model, its configuration so that transformers 4, vLLM and llama.cpp's converter read it as well."""
    generation = (folder / "generation_config.json").read_text()
    model.save_pretrained(folder)
    (folder / "generation_config.json").write_text(generation)
    config = json.loads((folder / "config.json").read_text())
    end = json.loads(generation)["eos_token_id"][0]
    config |= {"rope_theta": 10000.0, "torch_dtype": config["dtype"], "bos_token_id": None, "eos_token_id": end}
    _write_json(folder / "config.json", config)


def _tokenizer_config(tokenizer: Any) -> dict[str, Any]:
    special = {
        str(tokenizer.token_to_id(token)): {
            "content": token,
            "lstrip": False,
            "normalized": False,
            "rstrip": False,
            "single_word": False,
            "special": True,
        }
        for token in (END, IM_START, IM_END)
    }
    return {
        "add_bos_token": False,
        "add_prefix_space": False,
        "added_tokens_decoder": special,
        "bos_token": None,
        "chat_template": CHAT_TEMPLATE,
        "clean_up_tokenization_spaces": False,
        "eos_token": IM_END,
        "errors": "replace",
        "model_max_length": CONTEXT,
        "pad_token": END,
        "split_special_tokens": False,
        "tokenizer_class": "Qwen2Tokenizer",
        "unk_token": None,
    }


def _write_json(path: Path, data: dict[str, Any]) -> None:
    path.write_text(json.dumps(data, indent=2, sort_keys=True) + "\n")
