"""Findings that are accepted for a while: a service's `.trivyignore.yaml`, in Trivy's own form.

Trivy hides an entry's finding until its day and says nothing when that has come. What is added here: no entry may lack the
day or the reason, and one whose day has come fails the stage that its kind belongs to, whether there is still something to
hide or not. So nothing stays accepted because nobody looked.

    vulnerabilities    the scan of the image
    secrets            the search of the service's files, and of the image
    misconfigurations  the check of Dockerfile and manifests, and of the image's configuration

The whole file goes to Trivy in each of these.
"""

import dagger

from pipelines.catalog import Document
from pipelines.model import Service, StageFailure

EXCEPTIONS = ".trivyignore.yaml"
VULNERABILITIES = "vulnerabilities"
SECRETS = "secrets"
MISCONFIGURATIONS = "misconfigurations"
_KINDS = (VULNERABILITIES, SECRETS, MISCONFIGURATIONS)
_NARROWING = ("paths", "purls")
_EXPIRED = 1
_DAY = len("2027-01-31")


async def read_exceptions(service: Service, files: dagger.Directory, kind: str, today: str) -> str:
    """Give the text of a service's exceptions, empty when it has none.

    Raises DocumentError when the file is wrong, and StageFailure when an entry of `kind` has expired by `today`
    (an ISO day).
    """
    if EXCEPTIONS not in await files.entries():
        return ""
    text = await files.file(EXCEPTIONS).contents()
    check_exceptions(f"{service.path}/{EXCEPTIONS}", text, kind, today)
    return text


def check_exceptions(path: str, text: str, kind: str, today: str) -> None:
    """Refuse exceptions that would hold for ever or say nothing, then those of a kind that have expired."""
    document = Document.parse(path, text)
    expired: list[str] = []
    for each in _KINDS:
        for entry in document.entries(each):
            identifier = entry.text("id")
            statement = entry.text("statement", meaning="the reason, in words")
            day = entry.day("expired_at").isoformat()[:_DAY]
            for key in _NARROWING:
                entry.optional_texts(key)
            entry.finish()
            if each == kind and day <= today:
                expired.append(
                    f"{path}: {each}: {identifier} was accepted until {day} ({statement});"
                    " that day has come: remove it or set a new day with a reason."
                )
    document.finish()
    if expired:
        raise StageFailure(_EXPIRED, "\n".join(expired))
