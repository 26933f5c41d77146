from . import harvest, sweep
from .scoring import score

__all__ = ["harvest", "score", "sweep"]
