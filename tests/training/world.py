"""A small world to learn in: a corpus where some searches and sections are good and others bad, and an SFT policy.

Every subject is a word. Of the four searches that can be made for it, two bring papers that are answers or lead to
them, two bring papers that are neither. Of the four sections of a paper, two cite answers, two cite others. The SFT
policy has learned to write such answers, but chooses evenly among good and bad.
"""

import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pasa_tui.config import Paths
from pasa_tui.corpus.build import build_corpus
from pasa_tui.models.prompts.published import PublishedPrompts
from pasa_tui.papers import Paper, Query
from pasa_tui.training.session_ppo.environment import Question
from tests.tiny import IM_END, _config, _write, make_tokenizer

SUBJECTS = [
    "retrieval", "graphs", "speech", "vision", "translation", "agents", "parsing", "robots", "music", "proteins",
    "weather", "traffic", "games", "finance", "medicine", "chemistry", "maps", "poetry", "law", "history",
    "privacy", "logic", "sports", "cooking",
]  # fmt: skip
HELD_OUT = SUBJECTS[16:]
GOOD_SEARCHES, BAD_SEARCHES = ("methods", "models"), ("people", "places")
GOOD_SECTIONS, BAD_SECTIONS = ("Related Work", "Experiments"), ("Appendix", "Thanks")
TEMPLATES = {
    "generate_query": "Find {user_query}",
    "select_section": "Open {user_query} | {title} | {abstract} | {sections}",
    "get_selected": "{user_query} | {title} | {abstract}\nDecision:",
}
_SYLLABLES = [first + vowel for first in "bdfgklmnprstvz" for vowel in "aeiou"]


def build_world(home: Path) -> Paths:
    """The corpus `world` under a home of its own."""
    paths = Paths.default({"PASA_TUI_HOME": str(home)})
    papers: list[dict[str, object]] = []
    citations: list[dict[str, object]] = []
    for subject in SUBJECTS:
        for kind in GOOD_SEARCHES + BAD_SEARCHES:
            for number in range(3):
                paper = f"local:{subject}-{kind}-{number}"
                papers.append(_record(paper, f"{subject} {kind} report {'abc'[number]}", f"On {subject}: {kind}."))
                sections: dict[str, list[str]] = {}
                for section in GOOD_SECTIONS + BAD_SECTIONS:
                    is_good = kind in GOOD_SEARCHES and section in GOOD_SECTIONS
                    cited = [f"{paper}-{section.split()[0]}-{place}" for place in range(2)]
                    papers += [_record(each, _title(each), "Found by its citation alone.") for each in cited]
                    sections[section] = cited
                    assert is_good == (all(map(is_cited_answer, cited)))
                citations.append({"id": paper, "sections": sections})
    home.mkdir(parents=True, exist_ok=True)
    files = _lines(home / "papers.jsonl", papers), _lines(home / "citations.jsonl", citations)
    build_corpus(paths, "world", papers=files[0], citations=files[1])
    return paths


def is_cited_answer(paper_id: str) -> bool:
    """Whether a paper that only citations lead to is an answer."""
    _, kind, _, section, _ = paper_id.removeprefix("local:").split("-")
    return kind in GOOD_SEARCHES and section in {name.split()[0] for name in GOOD_SECTIONS}


def answers_of(subject: str) -> list[str]:
    """The titles of all answers to the question on a subject."""
    found = [f"{subject} {kind} report {letter}" for kind in GOOD_SEARCHES for letter in "abc"]
    for kind in GOOD_SEARCHES:
        for number in range(3):
            for section in GOOD_SECTIONS:
                paper = f"local:{subject}-{kind}-{number}-{section.split()[0]}"
                found += [_title(f"{paper}-{place}") for place in range(2)]
    return found


def question_line(subject: str) -> dict[str, object]:
    """The question on a subject as a query set has it."""
    titles = answers_of(subject)
    return {"question": subject, "answer": titles, "answer_arxiv_id": [None] * len(titles), "qid": subject}


def questions(subjects: Sequence[str]) -> list[Question]:
    return [
        Question(
            subject, Query.parse(subject, None), tuple(frozenset({f"title:{_key(t)}"}) for t in answers_of(subject))
        )
        for subject in subjects
    ]


def make_policy(folder: Path, *, seed: int = 0, steps: int = 140, layers: int = 2, hidden: int = 128) -> Path:
    """An SFT policy: it writes well-formed answers and chooses evenly among good and bad."""
    import torch
    from transformers import Qwen2ForCausalLM

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "agent_prompt.json").write_text(json.dumps(TEMPLATES))
    texts = [text for prompt, answer in _take(_demonstrations(random.Random(seed)), 400) for text in (prompt, answer)]
    tokenizer = make_tokenizer(folder, texts=texts * 4, vocabulary=900)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        vocabulary = tokenizer.get_vocab_size()
        heads = hidden // 64
        config = _config(vocabulary, hidden=hidden, layers=layers, heads=heads, kv_heads=1, inner=2 * hidden)
        model = Qwen2ForCausalLM(config)
        if steps:
            _learn(model, tokenizer, _demonstrations(random.Random(seed + 1)), steps)
    _write(model.eval(), folder)
    return folder


def _learn(model: Any, tokenizer: Any, examples: Iterator[tuple[str, str]], steps: int) -> None:
    import torch

    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=3e-3, total_steps=steps, pct_start=0.15)
    for _ in range(steps):
        batch = [
            (tokenizer.encode(f"<|im_start|>user\n{prompt}<|im_end|>\n<|im_start|>assistant\n").ids,
             tokenizer.encode(answer + IM_END).ids)
            for prompt, answer in _take(examples, 32)
        ]  # fmt: skip
        width = max(len(prompt) + len(answer) for prompt, answer in batch)
        ids = torch.zeros(len(batch), width, dtype=torch.long)
        labels = torch.full((len(batch), width), -100)
        for row, (prompt, answer) in enumerate(batch):
            ids[row, : len(prompt) + len(answer)] = torch.tensor(prompt + answer)
            labels[row, len(prompt) : len(prompt) + len(answer)] = torch.tensor(answer)
        loss = model(input_ids=ids, labels=labels).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()


def _demonstrations(rng: random.Random) -> Iterator[tuple[str, str]]:
    prompts = PublishedPrompts(TEMPLATES, "world")
    while True:
        subject = rng.choice(SUBJECTS)
        query = Query.parse(subject, None)
        if rng.random() < 0.5:
            kinds = rng.sample(GOOD_SEARCHES + BAD_SEARCHES, rng.randint(1, 3))
            answer = "".join(f"[Search]{subject} {kind}" for kind in kinds) + "[StopSearch]"
            yield prompts.searches(query).text, answer
        else:
            kind = rng.choice(GOOD_SEARCHES + BAD_SEARCHES)
            paper = Paper(f"{subject} {kind} report {rng.choice('abc')}", f"On {subject}: {kind}.")
            chosen = rng.sample(GOOD_SECTIONS + BAD_SECTIONS, rng.randint(1, 2))
            answer = "".join(f"[Expand]{section}" for section in chosen) + "[StopExpand]"
            yield prompts.sections(query, paper, GOOD_SECTIONS + BAD_SECTIONS).text, answer


def _take(examples: Iterator[tuple[str, str]], count: int) -> list[tuple[str, str]]:
    return [next(examples) for _ in range(count)]


def _record(paper_id: str, title: str, abstract: str) -> dict[str, object]:
    return {"id": paper_id, "title": title, "abstract": abstract, "date": "2020-01-01"}


def _title(paper_id: str) -> str:
    """Made-up words, so that no search for a subject finds it."""
    rng = random.Random(paper_id)
    return " ".join("".join(rng.choices(_SYLLABLES, k=4)) for _ in range(3))


def _key(title: str) -> str:
    return "".join(letter for letter in title.lower() if letter.isalpha())


def _lines(path: Path, rows: Sequence[object]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def crawler_rows(count: int, *, seed: int) -> list[dict[str, object]]:
    """Search and expand sessions as SFT rows."""
    examples = _take(_demonstrations(random.Random(seed)), count)
    return [
        {"messages": [{"role": "user", "content": prompt}, {"role": "assistant", "content": answer}]}
        for prompt, answer in examples
    ]


def selector_rows(count: int, *, seed: int) -> list[dict[str, object]]:
    """Judged pairs: a paper meets a question where its abstract has the question's subject among other words."""
    rng = random.Random(seed)
    prompts = PublishedPrompts(TEMPLATES, "world")
    rows: list[dict[str, object]] = []
    for _ in range(count):
        subject, true = rng.choice(SUBJECTS[:8]), rng.random() < 0.5
        named = subject if true else rng.choice([other for other in SUBJECTS[:8] if other != subject])
        words = rng.sample(["new", "fast", "large", "open", "simple", "deep"], 3)
        words.insert(rng.randint(0, 3), named)
        paper = Paper(f"A {rng.choice(['study', 'method', 'model'])}", " ".join(words))
        asked = prompts.decision(Query.parse(subject, None), paper)
        reason = f"It is on {named}." if true else f"It is on {named}, not {subject}."
        rows.append({"prompt": asked.text, "response": f"{true}\nReason: {reason}"})
    return rows
