"""`manifests/monitoring/slo/NAME.yaml`, read into a promise."""

from pathlib import PurePosixPath

from pipelines.catalog.document import Document
from pipelines.catalog.names import NAME, NAME_MEANING
from pipelines.model import Slo

BUCKETS = (5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000)
"""Milliseconds that the services' histograms tell apart; an alert on another time could not be counted."""
LOW, HIGH = 50, 99.999
_PATH = r"/[!-~]*"
_PATH_MEANING = "a path that starts with /"


def parse_slo(path: str, text: str) -> Slo:
    """Turn the text of a file into a promise; raise DocumentError."""
    document = Document.parse(path, text)
    name = document.text("name", pattern=NAME, meaning=NAME_MEANING)
    if name != PurePosixPath(path).stem:
        told = f"{name!r} differs from its file, use: {PurePosixPath(path).stem}"
        raise document.error("name", told)
    latency = document.section("latency")
    slo = Slo(
        name=name,
        window_days=document.number("window_days", low=1, high=366),
        success=document.decimal("success", low=LOW, high=HIGH),
        latency_percent=latency.decimal("percent", low=LOW, high=HIGH),
        latency_milliseconds=_bucket(latency),
        handlers=document.optional_texts("handlers", pattern=_PATH, meaning=_PATH_MEANING),
        path=document.text("path", pattern=_PATH, meaning=_PATH_MEANING),
    )
    latency.finish()
    document.finish()
    return slo


def _bucket(latency: Document) -> int:
    value = latency.number("milliseconds", low=BUCKETS[0], high=BUCKETS[-1])
    if value not in BUCKETS:
        known = ", ".join(map(str, BUCKETS))
        raise latency.error(
            "milliseconds", f"{value} is no bucket of the histogram, use one of: {known}"
        )
    return value
