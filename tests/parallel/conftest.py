"""Fixtures of this folder."""

from tests.parallel.common import folder, forest, frame

__all__ = ["folder", "forest", "frame"]
