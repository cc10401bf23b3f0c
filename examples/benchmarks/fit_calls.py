"""Number of methods that a fit runs, and of changes between classes.

A fit that can be read from top to bottom stays in few classes. The script counts calls
of methods that the classes in the detector's MRO define within this package: distinct
methods, and the changes from a method of one class to a method of another::

    python examples/benchmarks/fit_calls.py AutoEncoder DeepOutlierDetector
"""

import argparse
import sys
import warnings

import numpy as np

import sklearn_deepod


def calls_of_fit(detector, X):
    """Return the names ``class.method`` in the order of their calls."""
    owner = {}
    for cls in reversed(type(detector).__mro__):
        if cls.__module__.startswith("sklearn_deepod"):
            for name, member in vars(cls).items():
                function = getattr(member, "fget", member)
                function = getattr(function, "__wrapped__", function)
                function = getattr(function, "__wrapped__", function)
                code = getattr(function, "__code__", None)
                if code is not None:
                    owner[code] = f"{cls.__name__}.{name}"
    calls = []

    def note(frame, event, argument):
        is_own = event == "call" and frame.f_code in owner
        if is_own and frame.f_locals.get("self") is detector:
            calls.append(owner[frame.f_code])

    sys.setprofile(note)
    try:
        detector.fit(X)
    finally:
        sys.setprofile(None)
    return calls


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "detectors", nargs="*", default=["AutoEncoder", "DeepOutlierDetector"]
    )
    parser.add_argument("--list", action="store_true", help="print the calls")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    X = np.random.default_rng(0).normal(size=(500, 6))
    for name in args.detectors:
        detector = getattr(sklearn_deepod, name)(random_state=0)
        calls = calls_of_fit(detector, X)
        # Later calls, such as those of each training step, repeat what the first show.
        first = list(dict.fromkeys(calls))
        classes = [call.partition(".")[0] for call in first]
        changes = sum(a != b for a, b in zip(classes, classes[1:], strict=False))
        print(f"{name}: {len(first)} methods, {changes} changes of class")
        if args.list:
            print("\n".join(f"    {call}" for call in first))


if __name__ == "__main__":
    main()
