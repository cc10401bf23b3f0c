"""Print the oldest releases that setup.cfg admits, as constraints for pip.

The arguments are extras: `python .ci/oldest.py tests`.
"""

import configparser
import re
import sys
from pathlib import Path

SETTINGS = Path(__file__).parents[1] / "setup.cfg"


def requirements(config, extras):
    """Requirements of the package and of extras, those that extras name included."""
    found = config["options"]["install_requires"].split()
    for extra in extras:
        for line in config["options.extras_require"][extra].split():
            inner = re.fullmatch(r"sklearn-deepod\[(.+)\]", line)
            found += requirements(config, inner[1].split(",")) if inner else [line]
    return sorted(set(found))


def main():
    """Print one line for each requirement."""
    config = configparser.ConfigParser()
    config.read(SETTINGS, encoding="utf-8")
    for line in requirements(config, sys.argv[1:]):
        name, release = re.fullmatch(r"([\w.-]+)>=([\w.]+)(?:,.*)?", line).groups()
        sys.stdout.write(f"{name}=={release}\n")


main()
