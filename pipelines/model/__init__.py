"""What the pipelines talk about: plain frozen values, no input or output.

Everything else in `pipelines` imports from here; this package imports nothing of ours.
"""

from pipelines.model.commit import Commit
from pipelines.model.environment import Environment
from pipelines.model.image import Image
from pipelines.model.service import ImageRecipe, Language, Service
from pipelines.model.stage import StageFailure, StageResult, Status

__all__ = [
    "Commit",
    "Environment",
    "Image",
    "ImageRecipe",
    "Language",
    "Service",
    "StageFailure",
    "StageResult",
    "Status",
]
