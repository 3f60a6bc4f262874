"""The configurations for accelerate: it reads them, and they are for what they say."""

from importlib.resources import files

import pytest

config_args = pytest.importorskip("accelerate.commands.config.config_args")


@pytest.mark.parametrize(
    ("name", "kind", "machines"),
    [("multi_gpu", "MULTI_GPU", 1), ("zero3", "DEEPSPEED", 1), ("zero3_nodes", "DEEPSPEED", 2)],
)
def test_accelerate_reads_them(name: str, kind: str, machines: int) -> None:
    path = files("pasa_tui.training") / "configs" / f"{name}.yaml"
    config = config_args.load_config_from_file(str(path))
    assert config.distributed_type.value == kind and config.num_machines == machines
    assert config.num_processes == 8 * machines and config.mixed_precision == "bf16"
    if kind == "DEEPSPEED":
        assert config.deepspeed_config["zero_stage"] == 3 and config.deepspeed_config["zero3_save_16bit_model"]
