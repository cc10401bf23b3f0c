"""Fixtures of this folder."""

from tests.parallel.common import folder, forest, frame, processes

__all__ = ["folder", "forest", "frame", "processes"]
