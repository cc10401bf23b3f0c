"""Scores that do not depend on what else is scored, in bounded memory."""

import numpy as np
import torch

from sklearn_deepod._determinism import BatchInvariantMatmul, dense_rows

# Rows are scored in blocks filled up to a multiple of SCORE_TILE rows: products of such
# shapes round alike, so that a row's score does not depend on the rows beside it. (Nor
# on its position, thanks to BatchInvariantMatmul.) A block has SCORE_ROWS rows, or
# fewer of a wide table, to bound the memory that is taken.
SCORE_TILE = 64
SCORE_TERMS = 256
SCORE_ROWS = 1024
SCORE_CELLS = 2**18
# Convolutions and recurrent layers choose their algorithm by the number of rows.
SCORE_SHAPED_ROWS = 256
# A threshold needs no more rows than this to be stable in its second digit.
OFFSET_ROWS = 2**13


def scored_in_tiles(scores_of, X, input_shape):
    """Score rows in blocks of whole tiles, smaller ones where memory runs out.

    Parameters
    ----------
    scores_of : callable
        Maps an array of rows to an array of their scores.
    X : ndarray, sparse matrix or PickedRows
        The rows.
    input_shape : tuple of int
        Shape of a preprocessed row.

    Returns
    -------
    ndarray of float64 of shape (n_samples, ...)
    """
    n_rows, start = X.shape[0], 0
    results = None
    size, tile = _block_and_tile(input_shape)
    with torch.inference_mode(), BatchInvariantMatmul(SCORE_TERMS):
        while start < n_rows:
            block = slice(start, min(start + size, n_rows))
            batch = dense_rows(X, block)
            n_given = len(batch)
            missing = -n_given % tile
            if missing:
                padding = np.repeat(batch[:1], missing, axis=0)
                batch = np.concatenate([batch, padding])
            try:
                result = scores_of(batch)[:n_given]
            except torch.OutOfMemoryError:
                if size == tile:
                    raise
                size = max(tile, size // 2 // tile * tile)
                continue
            if results is None:
                results = np.empty((n_rows, *result.shape[1:]))
            results[block] = result
            start = block.stop
    return results


def _block_and_tile(input_shape):
    """Rows that are scored at once, and the number that they are a multiple of."""
    if len(input_shape) > 1:
        return SCORE_SHAPED_ROWS, SCORE_SHAPED_ROWS
    n_tiles = SCORE_CELLS // (SCORE_TILE * input_shape[0])
    return min(SCORE_ROWS, SCORE_TILE * max(1, n_tiles)), SCORE_TILE
