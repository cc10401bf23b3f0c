"""Isolation trees as tensors, all of them traversed together."""

import numpy as np
import torch
from torch import nn


class IsolationTrees(nn.Module):
    """Trees grown by scikit-learn, several for each member.

    Parameters
    ----------
    n_members, n_trees : int
        Number of members, and of trees of each.
    n_samples : int
        Maximum number of rows on which a tree is grown.
    """

    def __init__(self, n_members, n_trees, n_samples):
        super().__init__()
        shape = n_members, n_trees, 2 * n_samples - 1
        for name in ("feature", "left", "right"):
            self.register_buffer(name, torch.zeros(shape, dtype=torch.int32))
        for name in ("threshold", "depth", "length"):
            self.register_buffer(name, torch.zeros(shape))
        self.register_buffer("mean_length", torch.ones(()))

    def load(self, forests):
        """Copy the trees of one fitted `IsolationForest` for each member."""
        mean_length = float(average_path_length(forests[0].max_samples_))
        self.mean_length.fill_(mean_length or 1.0)  # 0 for trees of one row
        for i, forest in enumerate(forests):
            for j, estimator in enumerate(forest.estimators_):
                for name, values in _arrays(estimator.tree_).items():
                    table = getattr(self, name)
                    values = torch.from_numpy(values).to(table.dtype)
                    table[i, j, : len(values)] = values

    def forward(self, Z):
        """Path lengths and deviations of rows (n_members, n_rows, n_columns).

        Both have shape (n_members, n_rows) and are means over the trees: the length of
        the path to the leaf, relative to its mean in a random tree, and the mean
        distance of the row from the thresholds on the path.
        """
        n_members, n_rows, _ = Z.shape
        _, n_trees, n_nodes = self.feature.shape
        root = torch.arange(n_trees, device=Z.device) * n_nodes
        node = root.repeat(n_members, n_rows, 1)
        total = torch.zeros(node.shape, device=Z.device)
        for _ in range(int(self.depth.max())):
            value = Z.gather(2, _at(self.feature, node).long())
            threshold = _at(self.threshold, node)
            left, right = _at(self.left, node), _at(self.right, node)
            # The children of a leaf are the leaf itself, which adds nothing.
            total += (value - threshold).abs() * (left != right)
            node = torch.where(value <= threshold, left, right) + root
        length = _at(self.length, node).mean(dim=2) / self.mean_length
        deviation = total / _at(self.depth, node).clamp_min(1.0)
        return length, deviation.mean(dim=2)


def average_path_length(n_samples):
    """Mean depth of a leaf in a random tree of `n_samples` rows (Liu et al., 2008)."""
    n = np.asarray(n_samples, dtype=np.float64)
    many = np.maximum(n, 3.0)
    length = 2.0 * (np.log(many - 1.0) + np.euler_gamma - (many - 1.0) / many)
    return np.where(n > 2, length, np.where(n == 2, 1.0, 0.0))


def _at(table, node):
    """Look up entries of a table at nodes (n_members, n_rows, n_trees)."""
    return table.flatten(1).gather(1, node.flatten(1)).view(node.shape)


def _arrays(tree):
    """Arrays that describe a tree, with an entry for each node."""
    nodes = np.arange(tree.node_count)
    leaf = tree.children_left < 0
    left = np.where(leaf, nodes, tree.children_left)
    right = np.where(leaf, nodes, tree.children_right)
    depth = np.zeros(tree.node_count)
    for node in nodes[~leaf]:  # children come after their parents
        depth[[left[node], right[node]]] = depth[node] + 1.0
    # Rounded down, so that a float32 value goes the same way as it does in float64.
    threshold = tree.threshold.astype(np.float32)
    lower = np.nextafter(threshold, np.float32(-np.inf))
    threshold = np.where(threshold > tree.threshold, lower, threshold)
    return {
        "feature": np.where(leaf, 0, tree.feature),
        "threshold": np.where(leaf, np.float32(0.0), threshold),
        "left": left,
        "right": right,
        "depth": depth,
        "length": depth + average_path_length(tree.n_node_samples),
    }
