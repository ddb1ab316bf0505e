"""What the pipelines talk about: plain frozen values, no input or output.

Everything else in `pipelines` imports from here; this package imports nothing of ours.
"""

from pipelines.model.commit import Commit
from pipelines.model.delivery import Delivery, Promote, Strategy
from pipelines.model.environment import Advisories, Approval, Environment, GitOps, Mode
from pipelines.model.image import Image
from pipelines.model.order import Order
from pipelines.model.service import ImageRecipe, Kind, Probes, Service
from pipelines.model.slo import Slo, slo_path
from pipelines.model.stage import StageFailure, StageResult, Status
from pipelines.model.standing import Standing

__all__ = [
    "Advisories",
    "Approval",
    "Commit",
    "Delivery",
    "Environment",
    "GitOps",
    "Image",
    "ImageRecipe",
    "Kind",
    "Mode",
    "Order",
    "Probes",
    "Promote",
    "Service",
    "Slo",
    "StageFailure",
    "StageResult",
    "Standing",
    "Status",
    "Strategy",
    "slo_path",
]
