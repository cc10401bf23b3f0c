"""Matrix products in which a row is rounded in the same way in every batch."""

import torch
from torch.nn.functional import pad

from sklearn_deepod.utils._torch_compat import TorchDispatchMode

# CPU kernels compute the columns of a product in groups of this size. The remaining
# columns are computed differently, depending on the row's position in the batch and on
# the number of threads.
_GROUP = 16
_aten = torch.ops.aten
_MADE_OF_PRODUCTS = {_aten.matmul.default, _aten.linear.default}
_PRODUCTS = {
    _aten.mm.default,
    _aten.bmm.default,
    _aten.addmm.default,
    _aten.baddbmm.default,
}


class BatchInvariantMatmul(TorchDispatchMode):
    """Context in which products are padded with columns of zeros to whole groups.

    Parameters
    ----------
    most_terms : int or None, default=None
        Maximum number of terms that are summed in one product; longer sums are added up
        from several. Torch may split a sum of more than 256 terms among threads,
        depending on the number of rows and of threads (measured for 64 to 1,024 rows,
        1 to 8 threads and 1 to 4 members).
    """

    def __init__(self, most_terms=None):
        super().__init__()
        self.most_terms = most_terms

    @classmethod
    def _should_skip_dynamo(cls):
        # Torch would wrap `__torch_dispatch__` for compilers, at twice its own cost.
        return False

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        """Run one operation, with padding if it is a product."""
        kwargs = kwargs or {}
        if func in _MADE_OF_PRODUCTS:
            # Torch does not decompose these in inference mode.
            with self:
                return func.decompose(*args, **kwargs)
        if func not in _PRODUCTS:
            return func(*args, **kwargs)
        *bias, X, weight = args
        n_columns = weight.shape[-1]
        if n_columns % _GROUP:
            bias = [b if b.shape[-1] == 1 else _filled(b) for b in bias]
            weight = _filled(weight)
        result = self._product(func, bias, X, weight, kwargs)
        return result[..., :n_columns] if n_columns % _GROUP else result

    def _product(self, func, bias, X, weight, kwargs):
        """Compute a product, as a sum of several if it has many terms."""
        if self.most_terms is None or X.shape[-1] <= self.most_terms:
            return func(*bias, X, weight, **kwargs)
        parts = X.split(self.most_terms, -1), weight.split(self.most_terms, -2)
        first, *others = zip(*parts, strict=True)
        result = func(*bias, *first, **kwargs)
        add = torch.addmm if X.ndim == 2 else torch.baddbmm
        for part in others:
            result = add(result, *part, alpha=kwargs.get("alpha", 1))
        return result


def _filled(columns):
    """Pad the columns with zeros to whole groups."""
    return pad(columns, (0, -columns.shape[-1] % _GROUP))
