"""Rollouts of PPO by a real vLLM: it writes what the policy would, also after the policy has learned."""

from contextlib import nullcontext
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("accelerate")

import torch
from transformers import AutoTokenizer

from pasa_tui.models.engines.torch_loading import ends_of
from pasa_tui.models.engines.torch_prompts import PromptEncoder
from pasa_tui.papers import Query
from pasa_tui.training.session_ppo.models import load_policy
from pasa_tui.training.session_ppo.opening import prompts_beside
from pasa_tui.training.session_ppo.vllm_writing import VllmWriter
from pasa_tui.training.session_ppo.writing import PolicyWriter
from tests.training.world import SUBJECTS, make_policy

pytestmark = pytest.mark.engines


def test_it_writes_what_the_policy_writes_before_and_after_a_step(
    vllm_python: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VLLM_CPU_KVCACHE_SPACE", "1")
    folder = make_policy(tmp_path / "policy")
    device = torch.device("cpu")
    policy = load_policy(folder, device, attention="sdpa", checkpointing=False)
    tokenizer = AutoTokenizer.from_pretrained(folder, padding_side="left")
    ends = ends_of(policy, tokenizer)
    own = PolicyWriter(policy, tokenizer, ends=ends, max_tokens=32, batch=64, temperature=1.0, autocast=nullcontext)
    encoder, prompts = PromptEncoder(tokenizer, "policy"), prompts_beside(folder)
    asked = [encoder.encode(prompts.searches(Query.parse(subject, None)), 500) for subject in SUBJECTS]
    engine = VllmWriter(
        own,
        Path(vllm_python),
        folder,
        tmp_path,
        dtype="float32",
        memory=0.3,
        max_length=600,
        max_tokens=32,
        temperature=1.0,
        seed=0,
        device=device,
    )

    def texts(writer: VllmWriter | PolicyWriter) -> list[str]:
        return [own.decode(answer) for answer in writer.write(asked, greedy=True)]

    try:
        before = texts(own)
        assert texts(engine) == before
        with torch.no_grad():
            for parameter in policy.parameters():
                parameter += 0.05 * torch.randn_like(parameter)
        after = texts(own)
        assert after != before
        engine.refresh(policy)
        assert texts(engine) == after
        engine.seed(1)
        first = engine.write(asked)
        engine.seed(1)
        assert engine.write(asked) == first, "a training that is gone on with goes on with the same rollouts"
        assert engine.write(asked) != first
    finally:
        engine.close()
