"""Papers scored per second: our engine against the published agent's `generate(max_new_tokens=1)`, in one run.

    python -m tests.benchmarks.bench_scoring [--papers 200] [--size 0.5B|7B] [--device cpu|cuda] [--dtype float32]

A Qwen2 of Qwen2.5's shape with random weights and a tokenizer trained on the spot scores real abstracts of the bench,
with the published Selector prompt where ../shared/upstream has it. The published way is measured paper by paper, and
in padded batches of 10, the results of one search. Papers come in slices, and each way scores a slice in turns, so
that whatever else the machine does falls on all. Goal (issue 4): at least 2x the papers/s of one by one, with equal
scores (to 1e-3 of themselves in float32). Exits 1 when it is missed.
"""

import argparse
import asyncio
import json
import lzma
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from pasa_tui.models.engines.protocol import Prompt
from pasa_tui.models.engines.transformers import TransformersEngine
from tests.tiny import random_qwen2

SHARED = Path(__file__).resolve().parents[3] / "shared"
BATCH = 10
GOAL, TOLERANCE = 2.0, 1e-3
QUERY = "Which studies let a language model choose by itself when to look something up in a collection of documents?"
PROMPT = """You judge papers for somebody who is looking for {user_query}. Say whether this paper has everything
that was asked for, and why.

Title: {title}
Abstract: {abstract}

What was asked for: {user_query}

Write True or False, then one sentence.
Decision:"""


def abstracts(bench: Path, count: int) -> list[tuple[str, str]]:
    """Titles and abstracts of the first papers that have both."""
    with lzma.open(bench / "corpus.jsonl.xz", "rt", encoding="utf-8") as lines:
        records = (json.loads(line) for line in lines)
        return list(
            islice(((r["title"], r["abstract"]) for r in records if r.get("title") and r.get("abstract")), count)
        )


def selector_prompt() -> str:
    published = SHARED / "upstream" / "agent_prompt.json"
    return json.loads(published.read_text())["get_selected"] if published.exists() else PROMPT


def published_way(model: Any, tokenizer: Any, texts: Sequence[str], size: int) -> list[float]:
    """Scores by `generate`, in batches of `size` padded on the left to the longest."""
    true = tokenizer.convert_tokens_to_ids("True")
    scores: list[float] = []
    for start in range(0, len(texts), size):
        asked = tokenizer(list(texts[start : start + size]), return_tensors="pt", padding=True).to(model.device)
        written = model.generate(
            **asked, max_new_tokens=1, output_scores=True, return_dict_in_generate=True, do_sample=False
        )
        scores += written.scores[0].float().softmax(-1)[:, true].tolist()
    return scores


def measure(arguments: argparse.Namespace, folder: Path) -> dict[str, tuple[float, list[float]]]:
    """Seconds and scores of each way."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    papers = abstracts(arguments.bench, arguments.papers)
    template = selector_prompt()
    texts = [template.format(user_query=QUERY, title=title, abstract=abstract) for title, abstract in papers]
    corpus = [text for pair in abstracts(arguments.bench, 5000) for text in pair]
    random_qwen2(folder, size=arguments.size, dtype=arguments.dtype, texts=[*corpus, template * 50], vocabulary=30_000)
    tokenizer = AutoTokenizer.from_pretrained(folder, padding_side="left")
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=arguments.dtype).to(arguments.device)
    engine = TransformersEngine(folder, name=arguments.size, device=arguments.device, dtype=arguments.dtype)
    lengths = [len(ids) for ids in tokenizer(texts)["input_ids"]]
    print(
        f"{len(texts)} papers, {sum(lengths) / len(lengths):.0f} tokens at the mean, {torch.get_num_threads()} threads"
    )

    async def ours(some: Sequence[str]) -> list[float]:
        return list(await engine.score([Prompt(text, raw=True) for text in some]))

    with asyncio.Runner() as runner, torch.inference_mode():
        runner.run(engine.start(lambda progress: None))
        ways: dict[str, Callable[[Sequence[str]], list[float]]] = {
            "one by one": lambda some: published_way(model, tokenizer, some, 1),
            f"batches of {BATCH}": lambda some: published_way(model, tokenizer, some, BATCH),
            "our engine": lambda some: runner.run(ours(some)),
        }
        for way in ways.values():
            way(texts[:2])
        result = {name: (0.0, list[float]()) for name in ways}
        for start in range(0, len(texts), arguments.slice):
            for name, way in ways.items():
                began = time.perf_counter()
                scores = way(texts[start : start + arguments.slice])
                seconds, before = result[name]
                result[name] = seconds + time.perf_counter() - began, before + scores
            done = ", ".join(f"{name} {seconds:.1f} s" for name, (seconds, _) in result.items())
            print(f"{min(start + arguments.slice, len(texts))} papers: {done}", file=sys.stderr)
        print(engine.usage())
        runner.run(engine.close())
    return result


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", type=Path, default=SHARED / "bench")
    parser.add_argument("--papers", type=int, default=200)
    parser.add_argument("--slice", type=int, default=50, help="papers that wait at once")
    parser.add_argument("--size", choices=["0.5B", "7B"], default="0.5B")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", default="float32")
    arguments = parser.parse_args()
    if not (arguments.bench / "corpus.jsonl.xz").exists():
        print(f"There is no bench in {arguments.bench}.", file=sys.stderr)
        return 2
    print(f"load average before: {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as folder:
        ways = measure(arguments, Path(folder))
    slow, reference = ways["one by one"]
    worst = 0.0
    for name, (seconds, scores) in ways.items():
        # In shares of the score: random weights give `True` a probability of about 1 in the size of the vocabulary.
        difference = max(abs(a - b) / b for a, b in zip(scores, reference, strict=True))
        worst = max(worst, difference if name == "our engine" else 0.0)
        print(
            f"{name:<14} {len(scores) / seconds:7.2f} papers/s  {slow / seconds:5.2f}x  "
            f"scores differ by at most {difference:.1e} of themselves"
        )
    print(f"load average after: {os.getloadavg()[0]:.1f}")
    tolerated = TOLERANCE if arguments.dtype == "float32" else 1.0
    return 0 if slow / ways["our engine"][0] >= GOAL and worst <= tolerated else 1


if __name__ == "__main__":
    sys.exit(main())
