"""Sphinx's configuration."""

import os
import re
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

ROOT = Path(__file__).resolve().parents[1]

project = "sklearn-deepod"
author = "the sklearn-deepod developers"
copyright = f"2026, {author}"
release = re.search(
    r'^__version__ = "(.+)"$',
    (ROOT / "sklearn_deepod" / "__init__.py").read_text(encoding="utf-8"),
    flags=re.MULTILINE,
)[1]
version = ".".join(release.split(".")[:2])

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.intersphinx",
    "sphinx.ext.mathjax",
    "numpydoc",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "auto_examples/**/README.rst"]
templates_path = ["_templates"]
default_role = "py:obj"

autosummary_generate = True
autodoc_default_options = {"inherited-members": False}
numpydoc_show_class_members = False  # the class template lists them
numpydoc_xref_param_type = False

# A build must not need a network: with DOCS_INTERSPHINX=1, names of other projects
# become links.
intersphinx_mapping = {}
if os.environ.get("DOCS_INTERSPHINX"):
    intersphinx_mapping = {
        "python": ("https://docs.python.org/3", None),
        "numpy": ("https://numpy.org/doc/stable", None),
        "sklearn": ("https://scikit-learn.org/stable", None),
        "skorch": ("https://skorch.readthedocs.io/en/stable", None),
        "torch": ("https://docs.pytorch.org/docs/stable", None),
    }
else:
    # Terms such as :term:`random_state` are in scikit-learn's glossary.
    suppress_warnings = ["ref.term"]

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": r"/(plot_.*|quickstart)\.py$",
    "ignore_pattern": r"^_",
    "reset_modules": ("matplotlib",),
    "doc_module": ("sklearn_deepod",),
    "backreferences_dir": "generated/backreferences",
    "inspect_global_variables": False,
    "remove_config_comments": True,
    "show_memory": False,
    "download_all_examples": False,
    "write_computation_times": False,
    "min_reported_time": 1,
}

html_theme = "pydata_sphinx_theme"
html_title = project
html_show_sourcelink = False
html_theme_options = {
    "show_prev_next": False,
    "show_toc_level": 2,
    "footer_start": ["copyright"],
    "footer_end": [],
}
html_sidebars = {"getting_started": [], "coming_from_isolation_forest": []}
