from .recorder import Recorder, record_error

__all__ = ["Recorder", "record_error"]
