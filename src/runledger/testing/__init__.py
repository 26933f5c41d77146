"""The conformance suite for adapters. Needs the extra `testing`: pytest and hypothesis."""

from .contract import RunRepositoryContract

__all__ = ["RunRepositoryContract"]
