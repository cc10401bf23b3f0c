"""Explicit random streams, which neither read nor write a global random state."""

import numpy as np
import torch
from sklearn.utils import check_random_state

from sklearn_deepod.utils._torch_compat import TorchDispatchMode

NAMES = ("weights", "batches", "noise")
# Only recent releases of torch accept a generator here; all do for filling in place.
_FILLED_ALIKE = {
    torch.ops.aten.rand_like: torch.Tensor.uniform_,
    torch.ops.aten.randn_like: torch.Tensor.normal_,
    torch.ops.aten.randint_like: torch.Tensor.random_,
}


def make_streams(random_state):
    """Create a torch generator for each purpose, all seeded by `random_state`.

    Parameters
    ----------
    random_state : None, int or numpy.random.RandomState
        None means fresh entropy of the operating system, not numpy's global stream.

    Returns
    -------
    dict of str to torch.Generator
    """
    if random_state is None:
        seeds = np.random.SeedSequence().generate_state(len(NAMES))
    else:
        seeds = check_random_state(random_state).randint(2**31 - 1, size=len(NAMES))
    return {
        name: torch.Generator().manual_seed(int(seed))
        for name, seed in zip(NAMES, seeds, strict=True)
    }


def stream_states(streams):
    """States of the streams as plain arrays."""
    return {name: stream.get_state().numpy() for name, stream in streams.items()}


def restore_streams(states):
    """Create streams that continue from the states of `stream_states`."""
    streams = {name: torch.Generator() for name in states}
    for name, state in states.items():
        streams[name].set_state(torch.from_numpy(np.array(state)))
    return streams


class explicit_stream(TorchDispatchMode):
    """Context in which torch's random operations of this thread use `generator`.

    Modules of users or of torch call ``torch.rand``, dropout or initialisers without a
    generator. Seeding the global stream for them would not be thread-safe.

    Parameters
    ----------
    generator : torch.Generator
        A stream on the CPU.
    """

    def __init__(self, generator):
        super().__init__()
        self._generator = generator

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        """Redirect one operation."""
        kwargs = kwargs or {}
        if torch.Tag.nondeterministic_seeded not in func.tags:
            return func(*args, **kwargs)
        if kwargs.get("generator") is not None:
            return func(*args, **kwargs)
        if func is torch.ops.aten.native_dropout.default:
            return self._dropout(*args)
        if func.overloadpacket in _FILLED_ALIKE:
            return self._alike(_FILLED_ALIKE[func.overloadpacket], *args, **kwargs)
        func = self._with_generator(func)
        return self._on_cpu(func, args, kwargs)

    def _with_generator(self, func):
        """Find the overload of an operation that takes a generator."""
        packet = func.overloadpacket
        candidates = [func] + [getattr(packet, o) for o in packet.overloads()]
        wanted = [a.name for a in func._schema.arguments]
        for candidate in candidates:
            names = [a.name for a in candidate._schema.arguments]
            if "generator" in names and set(wanted) <= set(names):
                return candidate
        raise NotImplementedError(
            f"{func} draws random numbers but takes no generator, so its results would "
            "not be reproducible. Use another operation in the module."
        )

    def _on_cpu(self, func, args, kwargs):
        """Run an operation on the CPU, and move the result to its device."""
        tensors = [a for a in args if isinstance(a, torch.Tensor)]
        device = tensors[0].device if tensors else kwargs.get("device")
        if device is None or torch.device(device).type == "cpu":
            return func(*args, **kwargs, generator=self._generator)
        # Drawn on the CPU, so that every device gets the same numbers.
        args = [a.cpu() if isinstance(a, torch.Tensor) else a for a in args]
        if kwargs.get("device") is not None:
            kwargs = {**kwargs, "device": torch.device("cpu")}
        drawn = func(*args, **kwargs, generator=self._generator).to(device)
        in_place = func._schema.name.endswith("_")
        return tensors[0].copy_(drawn) if in_place else drawn

    def _alike(self, fill, X, *bounds, dtype=None, device=None, **layout):
        """Fill a new tensor in the shape of `X`."""
        drawn = torch.empty(X.shape, dtype=dtype or X.dtype)
        fill(drawn, *bounds, generator=self._generator)
        return drawn.to(device or X.device)

    def _dropout(self, X, p, train=True):
        if not train:
            return X.clone(), torch.ones_like(X, dtype=torch.bool)
        kept = torch.rand(X.shape, generator=self._generator).to(X.device) >= p
        return X * kept / (1 - p or 1), kept  # p = 1 would divide by zero
