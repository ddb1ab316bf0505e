"""Do the dependencies have known vulnerabilities? The package registry's own advisories say.

A registry that does not answer such questions leaves the audit *not made*; that never counts as clean.
"""

from pipelines.model import Status
from pipelines.stages.exceptions import VULNERABILITIES, read_exceptions
from pipelines.stages.judge import Judged, judge, last_line
from pipelines.stages.subject import Subject
from pipelines.toolchains import audit
from pipelines.toolchains.calendar import today
from pipelines.toolchains.kinds import REPORTS

_NOT_MADE = 3


async def audit_dependencies(subject: Subject) -> Judged:
    """Ask for advisories about what the service's lock files pin."""
    service, files = subject.service, subject.files
    exceptions = await read_exceptions(service, files, VULNERABILITIES, today())
    ran = await audit.audit(service.kind, files, exceptions, subject.fresh, path=service.path)
    if ran.exit_code != _NOT_MADE:
        return judge([ran])
    kept = (ran.container.directory(REPORTS),)
    return Judged(ran.output, kept, Status.NOT_MADE, remark=last_line(ran.output))
