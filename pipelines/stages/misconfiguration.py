"""Are the Dockerfile and the manifests of a service set up safely? Trivy's rules say, and the service's own probes."""

from pipelines.stages.exceptions import MISCONFIGURATIONS, read_exceptions
from pipelines.stages.judge import Judged, ToolFailure, judge
from pipelines.stages.probes import find_probe_faults
from pipelines.stages.subject import Subject
from pipelines.toolchains import trivy
from pipelines.toolchains.calendar import today

_NAME = "misconfiguration"
DOCKERFILES = ("Dockerfile*", "**/Dockerfile*")


async def find_misconfiguration(subject: Subject) -> Judged:
    """Check what describes the service to an engine and to a cluster.

    HIGH and CRITICAL fail, and so do probes that ask another path than the service says.
    """
    service, files = subject.service, subject.files
    exceptions = await read_exceptions(service, files, MISCONFIGURATIONS, today())
    folders = {service.path: files.filter(include=list(DOCKERFILES))}
    if await subject.repository.exists(service.manifests):
        folders[service.manifests] = subject.repository.directory(service.manifests)
    scanned = await trivy.scan_configuration(
        folders, _NAME, exceptions=exceptions, fresh=subject.fresh
    )
    faults = await find_probe_faults(subject)
    if faults:
        told = "\n".join(filter(None, [scanned.ran.output.strip(), *faults]))
        raise ToolFailure(scanned.ran.exit_code or 1, told, [scanned.reports])
    return judge([scanned.ran], [scanned.reports])
