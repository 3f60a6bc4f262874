"""Supervised fine-tuning with trl's SFTTrainer: what the Crawler's and the Selector's stages have in common."""

import math
import shutil
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pasa_tui.config.profiles import PROMPT_FILE
from pasa_tui.errors import TrainingError
from pasa_tui.models.engines.torch_loading import check_files
from pasa_tui.models.engines.torch_prompts import PromptEncoder
from pasa_tui.models.prompts.published import PublishedPrompts
from pasa_tui.training.card import versions
from pasa_tui.training.examples import Encoded, Example, Stage, encode_examples, read_examples
from pasa_tui.training.output import (
    CHECKPOINTS,
    MetricsLog,
    prepare_output,
    read_settings,
    sha256_of,
    write_settings,
)
from pasa_tui.training.session_ppo.models import attention_of, dtype_of, quieten
from pasa_tui.training.session_ppo.processes import Processes
from pasa_tui.training.sft_record import check_same, conclude, plan_of
from pasa_tui.training.sft_settings import SftOrder, SftSettings, Tell

Measure = Callable[[Any, Any, Sequence[Example], Sequence[Encoded]], Mapping[str, float]]
"""Figures of a model and its tokenizer on held-out examples."""


def fine_tune(
    stage: Stage, order: SftOrder, settings: SftSettings, measure: Measure, tell: Tell, *, stopped: Callable[[], bool]
) -> bool:
    """Train as ordered, in this process or as one of several; False where it was stopped before its end.

    Everything is looked at before anything is loaded. Raises PasaError.
    """
    check_files(order.model, order.model.name)
    examples = read_examples(order.data, stage, order.limit)
    held_out = read_examples(order.held_out, stage, settings.samples) if order.held_out else []
    if stage == "selector" and held_out and len({example.is_true for example in held_out}) < 2:
        raise TrainingError("All held-out rows have the same answer.", "Give some of True and some of False.")
    if order.prompts:
        PublishedPrompts.load(order.prompts)
    processes = Processes(cpu=order.cpu)
    say: Tell = tell if processes.is_first else _say_nothing
    quieten()
    tokenizer, encode = _encoder(order, stage, settings)
    encoded, shown = encode(examples), encode(held_out)
    record: dict[str, Any] = {
        "stage": stage,
        "model": str(order.model),
        "data": {
            "rows": len(examples),
            "file": str(order.data),
            "sha256": sha256_of(order.data),
            "held_out_rows": len(held_out),
        },
        "settings": asdict(settings) | {"dtype": dtype_of(order.dtype, processes.device)},
        "versions": versions(),
    }
    if processes.is_first:
        prepare_output(order.output, resume=order.resume)
        if order.resume:
            check_same(record, read_settings(order.output))
        write_settings(order.output, record)
    processes.wait()
    trainer = _trainer(order, settings, record["settings"]["dtype"], tokenizer, encoded, processes, stopped, say)
    say(plan_of(order.model, settings, encoded, trainer.args.max_steps, processes, record["settings"]["dtype"]))
    newest = _newest(order.output) if order.resume else None
    before = {} if newest else _figures("before", measure, trainer.model, tokenizer, held_out, shown)
    trainer.train(resume_from_checkpoint=str(newest) if newest else None)
    finished = int(trainer.state.global_step) >= int(trainer.args.max_steps)
    after = _figures("after", measure, trainer.model, tokenizer, held_out, shown) if finished else {}
    if finished:
        save_model(trainer, tokenizer, order, processes)
    if processes.is_first:
        conclude(order, record, before | after, trainer, finished=finished, tell=say)
    processes.wait()
    processes.end()
    return finished


def save_model(trainer: Any, tokenizer: Any, order: SftOrder, processes: Processes) -> None:
    """Write the model with all that `--model FOLDER` needs; adapters are merged into the weights they were made for."""
    merged = hasattr(trainer.model, "merge_and_unload")
    passing = order.output / "adapter"
    trainer.save_model(str(passing if merged else order.output))
    processes.wait()
    if not processes.is_first:
        return
    if merged:
        from peft import PeftModel
        from transformers import AutoModelForCausalLM
        from transformers.integrations.deepspeed import unset_hf_deepspeed_config

        # Under ZeRO-3 it would be divided among all processes, of which only this one is here.
        unset_hf_deepspeed_config()
        whole = AutoModelForCausalLM.from_pretrained(order.model, dtype="float32", local_files_only=True)
        PeftModel.from_pretrained(whole, str(passing)).merge_and_unload().save_pretrained(order.output)
    tokenizer.save_pretrained(order.output)
    for name in ("generation_config.json", PROMPT_FILE):
        if (order.model / name).is_file():
            shutil.copyfile(order.model / name, order.output / name)
    if order.prompts:
        shutil.copyfile(order.prompts, order.output / PROMPT_FILE)
    # What trl leaves beside the weights is not part of a model.
    (order.output / "training_args.bin").unlink(missing_ok=True)


def _encoder(
    order: SftOrder, stage: Stage, settings: SftSettings
) -> tuple[Any, Callable[[Sequence[Example]], list[Encoded]]]:
    from transformers import AutoTokenizer

    from pasa_tui.models.engines.protocol import TRUE

    tokenizer = AutoTokenizer.from_pretrained(order.model, local_files_only=True, padding_side="left")
    encoder = PromptEncoder(tokenizer, order.model.name)
    if tokenizer.eos_token_id is None:
        raise TrainingError(
            f"The tokenizer of {order.model.name} names no token that ends an answer.", "Set eos_token."
        )

    def encode(examples: Sequence[Example]) -> list[Encoded]:
        return encode_examples(
            examples,
            encoder.encode,
            encoder.encode_answer,
            end=int(tokenizer.eos_token_id),
            limit=settings.max_length,
            first=tokenizer.convert_tokens_to_ids(TRUE) if stage == "selector" else None,
        )

    return tokenizer, encode


def _trainer(
    order: SftOrder,
    settings: SftSettings,
    dtype: str,
    tokenizer: Any,
    encoded: Sequence[Encoded],
    processes: Processes,
    stopped: Callable[[], bool],
    tell: Tell,
) -> Any:
    from datasets import Dataset
    from datasets.utils.logging import disable_progress_bar
    from transformers import AutoModelForCausalLM, PrinterCallback
    from trl import SFTConfig, SFTTrainer

    from pasa_tui.training.sft_callback import Watcher

    disable_progress_bar()
    # The loss is on the answer alone: what is labelled -100 has none.
    rows = [{"input_ids": one.prompt + one.answer, "labels": [-100] * len(one.prompt) + one.answer} for one in encoded]
    per_step = settings.batch * settings.accumulation * processes.count
    steps = max(1, math.ceil(settings.epochs * math.ceil(len(rows) / per_step)))
    with warnings.catch_warnings():
        # transformers 5.23 has other names for gradient checkpointing, which 5.16 lacks.
        warnings.simplefilter("ignore", FutureWarning)
        config = SFTConfig(
            output_dir=str(order.output / CHECKPOINTS),
            max_steps=steps,
            learning_rate=settings.learning_rate,
            lr_scheduler_type="linear",
            warmup_steps=math.ceil(settings.warmup * steps),
            weight_decay=settings.weight_decay,
            per_device_train_batch_size=settings.batch,
            gradient_accumulation_steps=settings.accumulation,
            max_length=None,
            gradient_checkpointing=settings.checkpointing,
            gradient_checkpointing_kwargs={"use_reentrant": False} if settings.checkpointing else None,
            bf16=dtype == "bfloat16",
            fp16=False,
            use_cpu=processes.device.type == "cpu",
            save_steps=settings.save_every,
            save_total_limit=settings.kept_checkpoints,
            logging_steps=settings.log_every,
            seed=settings.seed,
            report_to="none",
            disable_tqdm=True,
            loss_type="nll",
            dataset_kwargs={"skip_prepare_dataset": True},
        )
    # Weights that learn stay float32, or small steps would be rounded away.
    frozen = settings.lora and dtype == "bfloat16"
    model = AutoModelForCausalLM.from_pretrained(
        order.model,
        dtype="bfloat16" if frozen else "float32",
        attn_implementation=attention_of(processes.device),
        local_files_only=True,
    )
    adapters = None
    if settings.lora:
        from peft import LoraConfig

        adapters = LoraConfig(
            r=settings.lora, lora_alpha=settings.lora_alpha, target_modules="all-linear", task_type="CAUSAL_LM"
        )
    trainer = SFTTrainer(
        model, args=config, train_dataset=Dataset.from_list(rows), processing_class=tokenizer, peft_config=adapters
    )
    first = processes.is_first
    trainer.remove_callback(PrinterCallback)
    trainer.add_callback(Watcher(order.output, stopped, processes, tell, MetricsLog if first else None))
    return trainer


def _figures(
    when: str,
    measure: Measure,
    model: Any,
    tokenizer: Any,
    held_out: Sequence[Example],
    shown: Sequence[Encoded],
) -> dict[str, float]:
    if not held_out:
        return {}
    was_training = model.training
    model.eval()
    found = measure(model, tokenizer, held_out, shown)
    model.train(was_training)
    return {f"{name} {when}": value for name, value in found.items()}


def _newest(output: Path) -> Path | None:
    """The last whole checkpoint: one that a crash cut short lacks the file that is written last."""
    found = [path.parent for path in (output / CHECKPOINTS).glob("checkpoint-*/trainer_state.json")]
    numbers = {path: path.name.removeprefix("checkpoint-") for path in found}
    return max((path for path in found if numbers[path].isdigit()), key=lambda path: int(numbers[path]), default=None)


def _say_nothing(text: str) -> None:
    return None
