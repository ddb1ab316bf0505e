"""`services/NAME/service.yaml`, read into a service."""

from pipelines.catalog.delivery import check_strategy, read_delivery
from pipelines.catalog.document import Document
from pipelines.catalog.names import NAME, NAME_MEANING, name_of_folder
from pipelines.model import ImageRecipe, Kind, Probes, Service

_PATH = r"/[!-~]*"
_PATH_MEANING = "a path that starts with /"
_PACKAGE = r"[a-z0-9][-+.a-z0-9]+(=[-+.:~a-zA-Z0-9]+)?"
_PATTERN = r"(?!/)(?!.*\.\.)[-+._/*?A-Za-z0-9]+"
_PATTERN_MEANING = "paths or patterns inside the service's folder"
_SIGNAL = r"SIG[A-Z0-9]+"


def parse_service(path: str, text: str) -> Service:
    """Turn the text of a `service.yaml` into a service; raise DocumentError."""
    document = Document.parse(path, text)
    kind = Kind(document.choice("kind", [kind.value for kind in Kind]))
    service = Service(
        name=name_of_folder(document, path),
        kind=kind,
        port=document.number("port", low=1, high=65535),
        probes=_probes(document.section("probes")),
        coverage=document.number("coverage", low=0, high=100, default=100),
        dependencies=document.optional_texts("dependencies", pattern=NAME, meaning=NAME_MEANING),
        image=_image(document.section("image"), kind),
        delivery=read_delivery(document),
    )
    document.finish()
    check_strategy(path, "", service.delivery, service.delivery)
    told = dict(service.image.environment).get("PORT", str(service.port))
    if told != str(service.port):
        raise document.error(
            "image.environment.PORT", f"{told!r} differs from port: {service.port}"
        )
    return service


def _probes(section: Document) -> Probes:
    probes = Probes(
        health=section.text("health", pattern=_PATH, meaning=_PATH_MEANING),
        ready=section.text("ready", pattern=_PATH, meaning=_PATH_MEANING),
    )
    section.finish()
    return probes


def _image(section: Document, kind: Kind) -> ImageRecipe:
    repository = section.text(
        "repository",
        pattern=r"[a-z0-9]+([-._/][a-z0-9]+)*",
        meaning="a repository such as team/name, in small letters",
    )
    title, description = section.text("title"), section.text("description")
    if kind is Kind.DOCKERFILE:
        recipe = ImageRecipe(repository=repository, title=title, description=description)
    else:
        recipe = ImageRecipe(
            repository=repository,
            title=title,
            description=description,
            packages=section.texts("packages", pattern=_PACKAGE, meaning="Debian package names"),
            files=section.texts("files", pattern=_PATTERN, meaning=_PATTERN_MEANING),
            exclude=section.optional_texts("exclude", pattern=_PATTERN, meaning=_PATTERN_MEANING),
            entrypoint=section.texts("entrypoint"),
            command=section.texts("command"),
            healthcheck=section.optional_texts("healthcheck"),
            stop_signal=section.optional_text(
                "stop_signal", pattern=_SIGNAL, meaning="a signal such as SIGTERM"
            )
            or "SIGTERM",
            environment=section.pairs("environment"),
        )
    section.finish()
    return recipe
