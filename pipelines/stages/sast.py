"""Does the code do something dangerous? Static analysis for security, with findings as SARIF."""

from pipelines.stages.judge import Judged, judge
from pipelines.stages.subject import Subject
from pipelines.toolchains import sast


async def analyse(subject: Subject) -> Judged:
    """Analyse the service's code; findings of medium severity and up fail."""
    service = subject.service
    return judge(
        [await sast.analyse(service.kind, subject.files, subject.fresh, path=service.path)]
    )
