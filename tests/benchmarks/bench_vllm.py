"""Tokens scored per second: VllmEngine against vLLM's own offline `LLM.generate(max_tokens=1)`, in one run.

    python -m tests.benchmarks.bench_vllm [--model FOLDER | --random tiny|0.5B|7B] [--papers 1000] [--slice 250]

Run it with an interpreter that has vLLM, on a GPU or a CPU. Real abstracts of the bench, with the published Selector
prompt where ../shared/upstream has it, are scored by both, slice by slice in turns, so that whatever else the machine
does falls on both; each reads a slice's prompts for the first time. Both are loaded at once and share the memory. Goals
(issue 4): 90 % or more of the offline tokens/s; on an H200 1,000 papers in less than 10 s with a 7B shape. Exits 1 when
the first is missed.
"""

import argparse
import asyncio
import contextlib
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pasa_tui.models.engines.protocol import Prompt
from pasa_tui.models.engines.vllm import VllmEngine
from pasa_tui.models.engines.vllm_log import engine_log
from tests.benchmarks.bench_scoring import QUERY, SHARED, abstracts, selector_prompt
from tests.tiny import make_tiny_model, random_qwen2

GOAL = 0.9
_WARM_UP = 32


def offline(folder: Path, arguments: argparse.Namespace) -> Any:
    """vLLM's class for offline inference, with what VllmEngine sets."""
    from vllm import LLM
    from vllm.platforms import current_platform

    config = json.loads((folder / "config.json").read_text())
    return LLM(
        model=str(folder),
        tensor_parallel_size=arguments.tensor_parallel,
        gpu_memory_utilization=arguments.gpu_memory,
        kv_cache_memory_bytes=(1 << 30) if current_platform.is_cpu() else None,
        dtype=config.get("dtype") or config["torch_dtype"],
        max_model_len=arguments.max_length,
        enforce_eager=arguments.eager,
        enable_prefix_caching=True,
    )


def measure(arguments: argparse.Namespace, folder: Path, texts: Sequence[str]) -> tuple[float, float, int]:
    """Seconds of the offline way and of ours, and the tokens of all prompts."""
    engine = VllmEngine(
        folder,
        name="bench",
        tensor_parallel=arguments.tensor_parallel,
        gpu_memory=arguments.gpu_memory,
        max_length=arguments.max_length,
        eager=arguments.eager,
    )
    with asyncio.Runner() as runner:
        began = time.perf_counter()
        runner.run(engine.start(lambda progress: print(progress, file=sys.stderr)))
        print(f"loaded in {time.perf_counter() - began:.0f} s")
        with engine_log().quiet():
            llm = offline(folder, arguments)
        from vllm import SamplingParams

        one = SamplingParams(max_tokens=1, temperature=0.0)

        def theirs(some: Sequence[str]) -> int:
            return sum(len(output.prompt_token_ids) for output in llm.generate(list(some), one, use_tqdm=False))

        def ours(some: Sequence[str]) -> list[float]:
            return list(runner.run(engine.score([Prompt(text, raw=True) for text in some])))

        warm, asked = texts[:_WARM_UP], texts[_WARM_UP:]
        theirs(warm)
        ours(warm)
        seconds, tokens = [0.0, 0.0], 0
        for number, start in enumerate(range(0, len(asked), arguments.slice)):
            some = asked[start : start + arguments.slice]
            # The one that goes first is another each time.
            for way in (0, 1) if number % 2 else (1, 0):
                began = time.perf_counter()
                if way:
                    ours(some)
                else:
                    tokens += theirs(some)
                seconds[way] += time.perf_counter() - began
            print(f"{start + len(some)} papers: offline {seconds[0]:.1f} s, engine {seconds[1]:.1f} s", file=sys.stderr)
        print(engine.usage())
        runner.run(engine.close())
    return seconds[0], seconds[1], tokens


def make_model(arguments: argparse.Namespace, folder: Path, texts: Sequence[str]) -> Path:
    """The model's folder: the one named, or one with random weights made in `folder`."""
    if arguments.model:
        return Path(arguments.model)
    if arguments.random == "tiny":
        return make_tiny_model(folder)
    dtype = "bfloat16" if arguments.random == "7B" else "float32"
    return random_qwen2(folder, size=arguments.random, dtype=dtype, texts=list(texts), vocabulary=30_000)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", type=Path, default=SHARED / "bench")
    parser.add_argument("--model", help="a folder of weights")
    parser.add_argument("--random", choices=("tiny", "0.5B", "7B"), default="0.5B")
    parser.add_argument("--papers", type=int, default=1000)
    parser.add_argument("--slice", type=int, default=250, help="papers that wait at once")
    parser.add_argument("--max-length", type=int, default=2048)
    parser.add_argument("--tensor-parallel", type=int, default=1)
    parser.add_argument("--gpu-memory", type=float, default=0.44, help="the share of each of the two")
    parser.add_argument("--eager", action="store_true", help="compile nothing: it starts sooner")
    arguments = parser.parse_args()
    if not arguments.bench.is_dir():
        print(f"{arguments.bench} is absent.", file=sys.stderr)
        return 2
    papers = abstracts(arguments.bench, arguments.papers + _WARM_UP)
    texts = [selector_prompt().format(user_query=QUERY, title=title, abstract=text) for title, text in papers]
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        theirs, ours, tokens = measure(arguments, make_model(arguments, folder, texts), texts)
    count = len(texts) - _WARM_UP
    print(f"{count} papers, {tokens / count:.0f} tokens at the mean")
    for name, seconds in (("offline LLM.generate", theirs), ("VllmEngine", ours)):
        print(f"{name}: {seconds:.2f} s, {tokens / seconds:,.0f} tokens/s, {count / seconds:.1f} papers/s")
    ratio = theirs / ours
    print(f"ratio {ratio:.3f} (goal {GOAL}); 1,000 papers take {1000 * ours / count:.1f} s")
    return 0 if ratio >= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
