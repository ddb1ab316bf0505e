"""`manifests/environments/NAME/environment.yaml`, read into an environment."""

from pipelines.catalog.document import Document
from pipelines.catalog.names import NAME, NAME_MEANING, name_of_folder
from pipelines.model import Advisories, Environment


def parse_environment(path: str, text: str) -> Environment:
    """Turn the text of an `environment.yaml` into an environment; raise DocumentError."""
    document = Document.parse(path, text)
    environment = Environment(
        name=name_of_folder(document, path),
        namespace=document.text("namespace", pattern=NAME, meaning=NAME_MEANING),
        services=document.texts("services", pattern=NAME, meaning=NAME_MEANING),
        registry=document.text(
            "registry",
            pattern=r"[a-zA-Z0-9.-]+(:\d+)?(/[-._a-zA-Z0-9]+)*",
            meaning="a registry such as ghcr.io/owner or localhost:5000",
        ),
        url=document.text("url", pattern=r"https?://[^\s]+", meaning="an http or https address"),
        rollout_seconds=document.number("rollout_seconds", low=5, high=3600, default=300),
        pull_secret=document.optional_text("pull_secret", pattern=NAME, meaning=NAME_MEANING),
        advisories=Advisories(
            document.choice(
                "advisories", [each.value for each in Advisories], default=Advisories.DATABASE
            )
        ),
    )
    document.finish()
    return environment
