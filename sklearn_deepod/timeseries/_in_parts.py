"""Functions of large tensors, part by part, whose values stay in the cache."""

import torch

#: Time stamps of one channel whose values of a component fit into the cache.
CACHED_STAMPS = 4096


def in_parts(function, *tensors, length=None):
    """Apply a function to tensors in parts along the first axis.

    Parameters
    ----------
    function : callable
        Maps parts of the tensors to a part of the result.
    tensors : Tensor
        Tensors of one length. The second axis of the first is time.
    length : int, default=None
        Length of a part. None takes as many channels as fit into the cache, or one.

    Returns
    -------
    Tensor
    """
    if length is None:
        length = max(1, CACHED_STAMPS // tensors[0].shape[1])
    if len(tensors[0]) <= length:
        return function(*tensors)
    parts = zip(*(each.split(length) for each in tensors), strict=True)
    return torch.cat([function(*part) for part in parts])
