"""What people read after a run."""

from pipelines.reports.summary import exit_code, render

__all__ = ["exit_code", "render"]
