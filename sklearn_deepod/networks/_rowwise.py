"""Matrix products whose rows round alike, whatever surrounds them."""

import torch
from torch.nn.functional import pad
from torch.utils._python_dispatch import TorchDispatchMode

# CPU kernels take the columns of a product in groups of this many. What is left over is
# computed otherwise, and what is left over depends on the row's place in the batch and
# on the number of threads.
_GROUP = 16
_aten = torch.ops.aten


_MADE_OF_PRODUCTS = {_aten.matmul.default, _aten.linear.default}
_PRODUCTS = {
    _aten.mm.default,
    _aten.bmm.default,
    _aten.addmm.default,
    _aten.baddbmm.default,
}


class RowwiseProducts(TorchDispatchMode):
    """Inside it, products are computed with columns of zeros that fill up a group."""

    @classmethod
    def _should_skip_dynamo(cls):
        # Torch would wrap `__torch_dispatch__`, for compilers, at twice its own cost.
        return False

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        """Fill up one operation where it is a product."""
        kwargs = kwargs or {}
        if func in _MADE_OF_PRODUCTS:
            # Not taken apart under inference_mode.
            with self:
                return func.decompose(*args, **kwargs)
        if func not in _PRODUCTS:
            return func(*args, **kwargs)
        *bias, X, weight = args
        n_columns = weight.shape[-1]
        if n_columns % _GROUP == 0:
            return func(*args, **kwargs)
        bias = [b if b.shape[-1] == 1 else _filled(b) for b in bias]
        return func(*bias, X, _filled(weight), **kwargs)[..., :n_columns]


def _filled(columns):
    return pad(columns, (0, -columns.shape[-1] % _GROUP))
