"""Matrix products whose rows round alike wherever they stand in a batch."""

import torch
from torch.utils._python_dispatch import TorchDispatchMode

# Below this many columns, CPU kernels treat the rows of a product in groups, and the
# last ones differently: the same row then rounds otherwise in another place.
_NARROW = 16
_aten = torch.ops.aten


class RowwiseProducts(TorchDispatchMode):
    """Inside it, narrow products are computed transposed, so that rows are columns."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        """Turn one operation round where it is a narrow product."""
        kwargs = kwargs or {}
        if func in (_aten.mm.default, _aten.bmm.default):
            X, weight = args
            if weight.shape[-1] < _NARROW:
                return func(weight.mT, X.mT).mT
        elif func in (_aten.addmm.default, _aten.baddbmm.default):
            bias, X, weight = args
            if weight.shape[-1] < _NARROW:
                bias = bias.unsqueeze(-1) if bias.dim() == 1 else bias.mT
                return func(bias, weight.mT, X.mT, **kwargs).mT
        elif func in (_aten.matmul.default, _aten.linear.default):
            # Made of the products above, but not taken apart under inference_mode.
            with self:
                return func.decompose(*args, **kwargs)
        return func(*args, **kwargs)
