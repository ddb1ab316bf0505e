"""What the pipelines talk about: plain frozen values, no input or output.

Everything else in `pipelines` imports from here; this package imports nothing of ours.
"""

from pipelines.model.commit import Commit
from pipelines.model.environment import Advisories, Environment
from pipelines.model.image import Image
from pipelines.model.service import ImageRecipe, Kind, Probes, Service, Strategy
from pipelines.model.slo import Slo
from pipelines.model.stage import StageFailure, StageResult, Status

__all__ = [
    "Advisories",
    "Commit",
    "Environment",
    "Image",
    "ImageRecipe",
    "Kind",
    "Probes",
    "Service",
    "Slo",
    "StageFailure",
    "StageResult",
    "Status",
    "Strategy",
]
