"""`manifests/addresses.yaml`: where people and tools reach what this repository is about. Alerts link there, Argo CD reads from there."""

from dataclasses import dataclass

from pipelines.catalog.document import Document

FILE = "manifests/addresses.yaml"
_ADDRESS = r"https?://[^\s/]+(/[^\s]*[^\s/])?"
_ADDRESS_MEANING = "an http or https address without a slash at its end"
_REPOSITORY = r"(https|ssh)://[^\s]+|[\w.-]+@[\w.-]+:[^\s]+"
_REF = r"[\w][\w./-]*"


@dataclass(frozen=True, kw_only=True)
class Addresses:
    """`repository` as git takes it, with the `branch` that is shipped; `files` is where it is read by people; `grafana`."""

    repository: str
    branch: str
    files: str
    grafana: str


def parse_addresses(text: str) -> Addresses:
    """Turn the text of the file into addresses; raise DocumentError."""
    document = Document.parse(FILE, text)
    addresses = Addresses(
        repository=document.text(
            "repository", pattern=_REPOSITORY, meaning="a repository that git can clone"
        ),
        branch=document.text("branch", pattern=_REF, meaning="the name of a branch"),
        files=document.text("files", pattern=_ADDRESS, meaning=_ADDRESS_MEANING),
        grafana=document.text("grafana", pattern=_ADDRESS, meaning=_ADDRESS_MEANING),
    )
    document.finish()
    return addresses
