"""Lint the Dockerfile of a service that has nothing else."""

from pipelines.stages.judge import Judged, judge
from pipelines.stages.subject import Subject
from pipelines.toolchains import hadolint


async def lint_dockerfile(subject: Subject) -> Judged:
    """Lint with hadolint."""
    return judge([await hadolint.lint(subject.files, subject.fresh, path=subject.service.path)])
