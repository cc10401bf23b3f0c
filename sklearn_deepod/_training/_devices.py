"""Where a network runs."""

import torch


def resolve_device(device):
    """The torch device that the `device` parameter names.

    Parameters
    ----------
    device : str
        "auto" takes CUDA, then MPS, then the CPU; else a torch device.

    Returns
    -------
    torch.device

    Raises
    ------
    ValueError
        If the device is not there or not known.
    """
    if device == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        if torch.backends.mps.is_available():
            return torch.device("mps")
        return torch.device("cpu")
    try:
        resolved = torch.device(device)
    except RuntimeError as error:
        raise ValueError(
            f"device={device!r} is unknown to torch. Use 'auto', 'cpu', 'cuda', "
            "'cuda:1' or 'mps'."
        ) from error
    there = {
        "cuda": torch.cuda.is_available,
        "mps": torch.backends.mps.is_available,
    }.get(resolved.type, lambda: True)
    if not there():
        raise ValueError(
            f"device={device!r} was asked for, but torch finds no such device here. "
            "Use device='auto' or 'cpu', or install a torch build that supports it."
        )
    return resolved
