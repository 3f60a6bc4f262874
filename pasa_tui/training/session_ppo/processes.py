"""All processes of a training as one: sums over them, and gradients that add up."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor


class Processes:
    """This process among those that `torchrun` or `accelerate launch` started; alone without them.

    Every method is called by all of them in the same order, whatever each has to do: nobody waits for one that
    does not come.
    """

    def __init__(self, *, cpu: bool) -> None:
        import torch
        from accelerate import PartialState

        # Where there is no GPU this must be said, or processes that torchrun started would not find each other.
        state = PartialState(cpu=cpu or not (torch.cuda.is_available() or torch.backends.mps.is_available()))
        self.rank: int = state.process_index
        self.count: int = state.num_processes
        self.device: Any = state.device

    @property
    def is_first(self) -> bool:
        """Whether this one writes files and speaks."""
        return self.rank == 0

    def sum(self, values: "Tensor") -> "Tensor":
        """The sum over all processes of a tensor of the same shape."""
        if self.count > 1:
            import torch.distributed as dist

            values = values.clone()
            dist.all_reduce(values)
        return values

    def sums(self, *values: float) -> list[float]:
        """The sums over all processes of some numbers."""
        import torch

        sums: list[float] = self.sum(torch.tensor(values, dtype=torch.float64, device=self._exact_device)).tolist()
        return sums

    def add_gradients(self, parameters: Iterable["Tensor"]) -> None:
        """Give every process the sum of all gradients; one that has none adds zeros."""
        import torch

        for parameter in parameters:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
            if self.count > 1:
                import torch.distributed as dist

                dist.all_reduce(parameter.grad)

    def same_everywhere(self, values: Iterable["Tensor"]) -> bool:
        """Whether all processes hold the same numbers, to the last bit."""
        if self.count == 1:
            return True
        import torch
        import torch.distributed as dist

        mine = torch.stack([value.detach().double().sum() for value in values])
        least, most = mine.clone(), mine.clone()
        dist.all_reduce(least, op=dist.ReduceOp.MIN)
        dist.all_reduce(most, op=dist.ReduceOp.MAX)
        return bool(torch.equal(least, most))

    def wait(self) -> None:
        """Until all are here."""
        if self.count > 1:
            import torch.distributed as dist

            dist.barrier()

    def end(self) -> None:
        """Leave the group."""
        if self.count > 1:
            import torch.distributed as dist

            dist.destroy_process_group()

    @property
    def _exact_device(self) -> Any:
        # MPS has no float64, and gloo and NCCL want the tensor where they work.
        return "cpu" if self.device.type == "mps" else self.device
