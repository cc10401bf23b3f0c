"""Several processes that train one network together."""

import torch
from torch import distributed

from sklearn_deepod.utils._ambient import Ambient

#: The `Ranks` that share the batches of trainings; None for a single process.
RANKS = Ambient("ranks")


class Ranks:
    """The processes of torch's default group, and which of them this one is.

    All have the same rows and the same random streams. Each takes its share of every
    batch, and gradients are averaged, so that all have the same network.

    Attributes
    ----------
    rank : int
        Number of this process, from 0.
    size : int
        Number of processes.
    """

    def __init__(self):
        self.rank = distributed.get_rank()
        self.size = distributed.get_world_size()

    def share(self, batch_size):
        """The part of a batch that this process takes, as a slice."""
        if batch_size % self.size:
            raise ValueError(
                f"batch_size={batch_size} cannot be shared evenly by {self.size} "
                "processes. Give a multiple of their number."
            )
        each = batch_size // self.size
        return slice(self.rank * each, (self.rank + 1) * each)

    def average(self, tensors):
        """Replace tensors by their means over all processes."""
        # One message, which costs more than what is in it.
        flat = torch.cat([tensor.reshape(-1) for tensor in tensors])
        distributed.all_reduce(flat)
        flat /= self.size
        parts = flat.split([tensor.numel() for tensor in tensors])
        for tensor, part in zip(tensors, parts, strict=True):
            tensor.copy_(part.view_as(tensor))

    def align(self, streams):
        """Let all processes go on with the random streams of the first."""
        device = "cuda" if distributed.get_backend() == "nccl" else "cpu"
        for stream in streams.values():
            state = stream.get_state().to(device)
            distributed.broadcast(state, src=0)
            stream.set_state(state.cpu())
