"""Does the service's folder hold a secret? Trivy looks for keys and tokens by their form."""

from pipelines.stages.exceptions import SECRETS, read_exceptions
from pipelines.stages.judge import Judged, judge
from pipelines.stages.subject import Subject
from pipelines.toolchains import trivy
from pipelines.toolchains.calendar import today

_NAME = "secrets"


async def find_secrets(subject: Subject) -> Judged:
    """Search the service's files; nothing that is found is shown in full."""
    service, files = subject.service, subject.files
    exceptions = await read_exceptions(service, files, SECRETS, today())
    scanned = await trivy.scan_secrets(
        {service.path: files}, _NAME, exceptions=exceptions, fresh=subject.fresh
    )
    return judge([scanned.ran], [scanned.reports])
