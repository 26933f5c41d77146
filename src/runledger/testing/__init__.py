"""The conformance suite for adapters. Needs the extra `testing`: pytest and hypothesis."""

from .contract import OpenStore, RunRepositoryContract
from .strategies import COLUMNS

__all__ = ["COLUMNS", "OpenStore", "RunRepositoryContract"]
