"""Modules and nets as plain arrays, and back."""

import copy

import torch


def arrays_of(module):
    """Weights and buffers of a module as plain arrays."""
    return {k: v.cpu().numpy().copy() for k, v in module.state_dict().items()}


def load_arrays(module, arrays):
    """Put what `arrays_of` gave into a module of the same architecture."""
    tensors = {k: torch.as_tensor(v).clone() for k, v in arrays.items()}
    module.load_state_dict(tensors)
    return module


def set_arrays(module, arrays):
    """Put what `arrays_of` gave into buffers that may have other shapes so far."""
    for name, array in arrays.items():
        part, _, buffer = name.rpartition(".")
        # Memory of torch is aligned: products of other arrays round otherwise.
        setattr(module.get_submodule(part), buffer, torch.tensor(array))


def state_of(net):
    """Weights, optimizer and history of a net as plain arrays and numbers."""
    optimizer = net.optimizer_.state_dict()
    return {
        "module": arrays_of(net.module_),
        "optimizer": {
            i: {k: v.cpu().numpy().copy() for k, v in moments.items()}
            for i, moments in optimizer["state"].items()
        },
        "history": [dict(epoch) for epoch in net.history],
        "step": net.step_,
    }


def load_state(net, state):
    """Put what `state_of` gave into an initialised net of the same architecture."""
    load_arrays(net.module_, state["module"])
    optimizer = net.optimizer_.state_dict()
    optimizer["state"] = {
        i: {k: torch.as_tensor(v).clone() for k, v in moments.items()}
        for i, moments in state["optimizer"].items()
    }
    net.optimizer_.load_state_dict(optimizer)
    net.history.clear()
    net.history.extend(copy.deepcopy(state["history"]))
    net.step_ = state["step"]
    return net
