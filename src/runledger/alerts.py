"""Alerts, beside `stores`: an observer for `connect` that sends messages to people. Needs the extra `alerts`."""

from __future__ import annotations

from .adapters.observers.alerts import Alerts

__all__ = ["Alerts"]
