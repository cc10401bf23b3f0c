"""Optimizer steps at the cost of their arithmetic."""

import torch
from torch.optim.adam import adam
from torch.optim.adamw import adamw

_FUNCTIONS = {torch.optim.Adam: adam, torch.optim.AdamW: adamw}


def takes_fused_steps(optimizer):
    """Whether `fused_step` can stand in for the optimizer's own `step`."""
    return type(optimizer) in _FUNCTIONS and all(
        group["fused"] and not group["amsgrad"] for group in optimizer.param_groups
    )


@torch.no_grad()
def fused_step(optimizer):
    """Do what ``optimizer.step()`` does, without its hooks and profiling.

    For small networks these cost as much as the step.

    Parameters
    ----------
    optimizer : torch.optim.Adam or torch.optim.AdamW
        One for which `takes_fused_steps` is true.
    """
    for group in optimizer.param_groups:
        params = [p for p in group["params"] if p.grad is not None]
        states = [optimizer.state[p] for p in params]
        if not all(states):
            # First step of some parameter: let torch make the state.
            optimizer.step()
            return
        beta1, beta2 = group["betas"]
        _FUNCTIONS[type(optimizer)](
            params,
            [p.grad for p in params],
            [state["exp_avg"] for state in states],
            [state["exp_avg_sq"] for state in states],
            [],
            [state["step"] for state in states],
            foreach=False,
            fused=True,
            amsgrad=False,
            beta1=beta1,
            beta2=beta2,
            lr=group["lr"],
            weight_decay=group["weight_decay"],
            eps=group["eps"],
            maximize=group["maximize"],
        )
