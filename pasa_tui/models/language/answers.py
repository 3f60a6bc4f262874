"""A whole answer of a model, however long it would go on."""

from contextlib import aclosing

from pasa_tui.models.engines.protocol import Engine, Prompt, Sampling

_LONGEST = 65_536
"""Characters of an answer that are kept; the tokens that are asked for are some thousands of characters."""


async def write_answer(engine: Engine, prompt: Prompt, sampling: Sampling) -> str:
    """What the model writes, up to a length that none should reach. Raises ModelError."""
    answer = ""
    async with aclosing(engine.generate(prompt, sampling)) as pieces:
        async for piece in pieces:
            answer += piece
            if len(answer) >= _LONGEST:
                break
    return answer[:_LONGEST]
