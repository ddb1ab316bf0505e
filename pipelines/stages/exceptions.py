"""Findings that are accepted for a while: a service's `.trivyignore.yaml`, in Trivy's own form.

Trivy drops an entry on its day by itself. What is added here: no entry may lack the day or the reason.
"""

import dagger

from pipelines.document import Document
from pipelines.model import Service

EXCEPTIONS = ".trivyignore.yaml"
_KINDS = ("vulnerabilities", "misconfigurations", "secrets", "licenses")
_NARROWING = ("paths", "purls")


async def read_exceptions(service: Service, files: dagger.Directory) -> str:
    """Give the text of a service's exceptions, empty when it has none; raise DocumentError."""
    if EXCEPTIONS not in await files.entries():
        return ""
    text = await files.file(EXCEPTIONS).contents()
    check_exceptions(f"{service.path}/{EXCEPTIONS}", text)
    return text


def check_exceptions(path: str, text: str) -> None:
    """Refuse exceptions that would hold for ever or say nothing; raise DocumentError."""
    document = Document.parse(path, text)
    for kind in _KINDS:
        for entry in document.entries(kind):
            entry.text("id")
            entry.text("statement", meaning="the reason, in words")
            entry.day("expired_at")
            for key in _NARROWING:
                entry.optional_texts(key)
            entry.finish()
    document.finish()
