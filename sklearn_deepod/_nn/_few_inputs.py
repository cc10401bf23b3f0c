"""Random units that read few inputs and have their kinks among the rows."""

import torch

# Maximum number of inputs of a unit.
MOST_INPUTS = 4


def read_few_inputs(layer, X, generator):
    """Make each unit read one to four inputs, with its kink at a random row.

    The weights of a unit have norm 1; those of inputs beyond the columns of `X` are 0.

    Parameters
    ----------
    layer : BatchedLinear
        The layer whose weights and biases are set.
    X : torch.Tensor of shape (n_members, n_rows, n_inputs)
        Each member's rows without missing values, on the CPU.
    generator : torch.Generator
        Source of the inputs, the weights and the rows.
    """
    n_members, _, n_units = layer.weight.shape
    n_inputs = X.shape[2]
    most = min(MOST_INPUTS, n_inputs)
    shape = (n_members, n_units)
    count = torch.randint(1, most + 1, (*shape, 1), generator=generator)
    # The indices of the smallest random numbers are a random subset.
    order = torch.rand(*shape, n_inputs, generator=generator)
    inputs = order.topk(most, dim=2, largest=False).indices
    weight = torch.randn(*shape, most, generator=generator)
    weight = weight * (torch.arange(most) < count)
    weight = weight / weight.norm(dim=2, keepdim=True).clamp_min(1e-6)
    row = torch.randint(X.shape[1], (*shape, 1), generator=generator)
    member = torch.arange(n_members).view(-1, 1, 1)
    bias = -(weight * X[member, row, inputs]).sum(dim=2)
    dense = torch.zeros(*shape, layer.weight.shape[1]).scatter_(2, inputs, weight)
    with torch.no_grad():
        layer.weight.copy_(dense.transpose(1, 2))
        layer.bias.copy_(bias.unsqueeze(1))
