"""Does the service's folder hold a secret? Trivy looks for keys and tokens by their form."""

from pipelines.stages.exceptions import EXCEPTIONS, SECRETS, read_exceptions
from pipelines.stages.judge import Judged, ToolFailure, judge
from pipelines.stages.subject import Subject
from pipelines.toolchains import trivy
from pipelines.toolchains.calendar import today

_NAME = "secrets"
_ADVICE = (
    "Take it out, and revoke it: whoever has read the repository has it. A false alarm goes into the"
    f" service's {EXCEPTIONS} with a reason and a day (docs/configuration.md)."
)


async def find_secrets(subject: Subject) -> Judged:
    """Search the service's files; nothing that is found is shown in full."""
    service, files = subject.service, subject.files
    exceptions = await read_exceptions(service, files, SECRETS, today())
    scanned = await trivy.scan_secrets(
        {service.path: files}, _NAME, exceptions=exceptions, fresh=subject.fresh
    )
    try:
        return judge([scanned.ran], [scanned.reports])
    except ToolFailure as found:
        raise ToolFailure(found.exit_code, f"{found.output}\n{_ADVICE}", found.reports) from None
