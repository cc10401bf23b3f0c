"""Matrix products whose rows round alike, whatever surrounds them."""

import torch
from torch.nn.functional import pad
from torch.utils._python_dispatch import TorchDispatchMode

# CPU kernels take the columns of a product in groups of this many. What is left over is
# computed otherwise, and what is left over depends on the row's place in the batch and
# on the number of threads.
_GROUP = 16
_aten = torch.ops.aten


class RowwiseProducts(TorchDispatchMode):
    """Inside it, products are computed with columns of zeros that fill up a group."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        """Fill up one operation where it is a product."""
        kwargs = kwargs or {}
        if func in (_aten.mm.default, _aten.bmm.default):
            X, weight = args
            n_columns = weight.shape[-1]
            return func(X, _filled(weight))[..., :n_columns]
        if func in (_aten.addmm.default, _aten.baddbmm.default):
            bias, X, weight = args
            n_columns = weight.shape[-1]
            bias = bias if bias.shape[-1] == 1 else _filled(bias)
            return func(bias, X, _filled(weight), **kwargs)[..., :n_columns]
        if func in (_aten.matmul.default, _aten.linear.default):
            # Made of the products above, but not taken apart under inference_mode.
            with self:
                return func.decompose(*args, **kwargs)
        return func(*args, **kwargs)


def _filled(columns):
    missing = -columns.shape[-1] % _GROUP
    return pad(columns, (0, missing)) if missing else columns
