"""Names that releases of torch may move, imported here and nowhere else."""

from torch.utils._python_dispatch import TorchDispatchMode

__all__ = ["TorchDispatchMode"]
