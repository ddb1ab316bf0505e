"""Shipyard's pipelines: the Dagger module. `shipyard.py` is its face."""

from pipelines.shipyard import Shipyard

__all__ = ["Shipyard"]
