"""The conformance suite for adapters, which needs the extra `testing`: pytest and hypothesis."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .contract import RunRepositoryContract

__all__ = ["RunRepositoryContract"]


def __getattr__(name: str) -> Any:
    # Not imported before it is asked for: the server in `testing.airtable` runs without pytest.
    if name == "RunRepositoryContract":
        from .contract import RunRepositoryContract

        return RunRepositoryContract
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
