"""Batches for training: drawn by weight, sliced from a few large gathers."""

import math

import numpy as np
import torch

from sklearn_deepod._determinism import chunks

BLOCK_CELLS = 2**20
# Rows that are enough for the initial weights.
FIRST_ROWS = 2**12
# Rows of a bootstrap sample that are drawn one by one.
_MOST_DRAWS = 2**20


class PreprocessedRows:
    """Training rows as the network sees them, prepared once or when drawn.

    Parameters
    ----------
    rows : TrainingRows
        The rows.
    prepare : callable
        Maps a float64 array of rows to a float32 tensor.
    device : str
        Where the batches go.
    n_draws : int
        Number of rows that training will draw. A table that is smaller is prepared once
        and stays on the device; of a larger one only the drawn rows are prepared.
    """

    def __init__(self, rows, prepare, device, n_draws):
        self.rows = rows
        self.prepare = prepare
        self.device = torch.device(device)
        self._table = self._all() if len(rows) <= n_draws else None

    def _all(self):
        parts = chunks(len(self.rows), math.prod(self.rows.shape))
        return torch.cat([self._preprocessed(part) for part in parts])

    def _preprocessed(self, index):
        return self.prepare(self.rows.rows(index)).to(self.device)

    def take(self, index):
        """Prepared rows at `index` (an integer array of any shape)."""
        flat = index.ravel()
        if self._table is None:
            found = self._preprocessed(flat)
        else:
            found = self._table.index_select(0, torch.from_numpy(flat).to(self.device))
        return found.view(*index.shape, *found.shape[1:])

    def first(self):
        """The first of the prepared rows: a random sample, as their order is one."""
        return self.take(np.arange(min(len(self.rows), FIRST_ROWS)))

    def labels_at(self, index):
        """Labels of the rows at `index`, or None where there are none."""
        if self.rows.labels is None:
            return None
        return torch.from_numpy(self.rows.labels[index]).to(self.device)


class WeightedBatches:
    """Endless batches of shape (n_members, batch_size, ...), drawn with replacement.

    Every step draws its rows by inverse transform of uniform numbers on the cumulated
    weights. Its cost thus depends on neither the number nor the order of the rows.

    Parameters
    ----------
    prepared : PreprocessedRows
        The rows.
    n_members, batch_size : int
        Shape of a batch.
    bootstrap : bool
        Whether each member draws from its own bootstrap sample of the rows.
    generator : torch.Generator
        The stream of the draws.
    share : slice, default=slice(None)
        The part of each batch that is given.
    """

    def __init__(
        self,
        prepared,
        n_members,
        batch_size,
        bootstrap,
        generator,
        *,
        share=slice(None),
    ):
        self.prepared = prepared
        self.n_members = n_members
        self.batch_size = batch_size
        self.generator = generator
        self.share = share
        self.samples = [self._bootstrap() for _ in range(n_members * bootstrap)]

    def _uniform(self, *shape):
        return torch.rand(*shape, generator=self.generator, dtype=torch.float64).numpy()

    def _bootstrap(self):
        """A bootstrap sample, as a function that draws indices from it by uniforms."""
        rows = self.prepared.rows
        size = max(1, round(rows.total_weight))
        if size <= max(_MOST_DRAWS, len(rows)):
            sample = rows.draw(self._uniform(size))
            return lambda uniforms: sample[(uniforms * size).astype(int)]
        # Large weights: how often each row comes up, in place of all that comes up.
        seed = torch.randint(2**62, (), generator=self.generator).item()
        share = rows.weight / rows.weight.sum()
        count = np.random.default_rng(seed).multinomial(min(size, 2**62), share)
        index = np.flatnonzero(count)
        sample = rows.subset(index, count[index].astype(np.float64))
        return lambda uniforms: index[sample.draw(uniforms)]

    def _draw(self, n_steps):
        uniforms = self._uniform(n_steps, self.n_members, self.batch_size)
        if not self.samples:
            return self.prepared.rows.draw(uniforms)
        index = uniforms.astype(int)
        for i, sample in enumerate(self.samples):
            index[:, i] = sample(uniforms[:, i])
        return index

    def steps(self, n_steps):
        """Yield the batches of `n_steps` steps, with their labels where there are."""
        cells = self.n_members * self.batch_size * math.prod(self.prepared.rows.shape)
        block = max(1, BLOCK_CELLS // max(1, cells))
        while n_steps > 0:
            index = self._draw(min(block, n_steps))[:, :, self.share]
            X, labels = self.prepared.take(index), self.prepared.labels_at(index)
            yield from X if labels is None else zip(X, labels, strict=True)
            n_steps -= block
