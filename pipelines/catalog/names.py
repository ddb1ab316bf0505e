"""What a name of a service or an environment may be: its folder's, and one that Kubernetes takes."""

from pipelines.catalog.document import Document

NAME = r"[a-z]([-a-z0-9]{0,40}[a-z0-9])?"
NAME_MEANING = "a name of small letters, digits and dashes"


def name_of_folder(document: Document, path: str) -> str:
    """Read the key `name`, which must be the name of the folder that the file lies in."""
    name = document.text("name", pattern=NAME, meaning=NAME_MEANING)
    folder = path.split("/")[-2]
    if name != folder:
        raise document.error("name", f"{name!r} differs from its folder, use: {folder}")
    return name
