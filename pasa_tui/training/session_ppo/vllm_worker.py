"""Writes answers with vLLM, run by an interpreter of its own environment: JSON lines in on stdin, out on stdout.

It imports nothing but vLLM and the standard library, so that pasa-tui need not be installed beside it.

    PYTHON vllm_worker.py MODEL DTYPE MEMORY MAX_LENGTH

`{"prompts": [[token, …], …], "temperature": t, "max_tokens": n, "stop": [text, …], "seed": n}` is answered with
`{"answers": [[token, …], …]}`, `{"weights": folder}` with `{}` once the weights in that folder are in place, and what
fails with `{"error": text}`.
"""

import json
import os
import sys
from typing import Any, TextIO


def main() -> None:
    """Answer line by line until stdin ends."""
    # vLLM writes to stdout what it likes; the answers go where stdout was.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    model, dtype, memory, max_length = sys.argv[1:5]
    from vllm import LLM

    llm = LLM(
        model=model,
        dtype=dtype,
        gpu_memory_utilization=float(memory),
        max_model_len=int(max_length),
        enable_prefix_caching=True,
    )
    _send(answers, {})
    for line in sys.stdin:
        try:
            _send(answers, answer(llm, json.loads(line)))
        except Exception as error:
            # Whatever it is, the trainer must hear of it: it waits.
            _send(answers, {"error": f"{type(error).__name__}: {error}"})


def answer(llm: Any, asked: dict[str, Any]) -> dict[str, Any]:
    """What a line asks for."""
    from vllm import SamplingParams
    from vllm.inputs import TokensPrompt

    if "weights" in asked:
        llm.collective_rpc("reload_weights", kwargs={"weights_path": asked["weights"]})
        # What was kept of prompts was computed with the old weights.
        llm.reset_prefix_cache()
        return {}
    params = [
        SamplingParams(
            temperature=asked["temperature"],
            max_tokens=asked["max_tokens"],
            stop=asked["stop"],
            include_stop_str_in_output=True,
            seed=asked["seed"] + place,
        )
        for place in range(len(asked["prompts"]))
    ]
    prompts = [TokensPrompt(prompt_token_ids=prompt) for prompt in asked["prompts"]]
    outputs = llm.generate(prompts, params, use_tqdm=False)
    return {"answers": [list(output.outputs[0].token_ids) for output in outputs]}


def _send(stream: TextIO, value: dict[str, Any]) -> None:
    stream.write(json.dumps(value) + "\n")
    stream.flush()


if __name__ == "__main__":
    main()
