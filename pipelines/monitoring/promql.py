"""Queries that count the requests of a service: all of them, and those that miss a promise.

A service with metrics of its own is counted by the names that all services share, by the handlers of its SLO. One without is counted
where its requests pass: by ingress-nginx, which knows it by the name of its Ingress. Every query keeps the label `namespace`, or
an alert could not say whether staging or production is meant. Called by the recording rules and the dashboards.
"""

import json
import re

from pipelines.model import Slo
from pipelines.monitoring.promise import SUCCESS, Promise

SERVER_ERRORS = 'status=~"5.."'
REQUESTS, SECONDS = "http_requests_total", "http_request_duration_seconds"
INGRESS_REQUESTS = "nginx_ingress_controller_requests"
INGRESS_SECONDS = "nginx_ingress_controller_request_duration_seconds"


def counted(promise: Promise, window: str) -> str:
    """Count the requests per second that a promise is about."""
    if promise.kind == SUCCESS:
        return _sum(promise.slo, _requests(promise.slo), (), window)
    return _sum(promise.slo, f"{_seconds(promise.slo)}_count", (), window)


def missed(promise: Promise, window: str) -> str:
    """Count the requests per second that miss a promise; 0 when there are requests and none of that kind."""
    every = counted(promise, window)
    if promise.kind == SUCCESS:
        failed = _sum(promise.slo, _requests(promise.slo), (SERVER_ERRORS,), window)
        return f"{failed} or 0 * {every}"
    name = f"{_seconds(promise.slo)}_bucket"
    return f"{every} - {_sum(promise.slo, name, (_bucket(promise.slo),), window)}"


def by_label(slo: Slo, label: str, window: str, namespace: str) -> str:
    """Count the requests per second of one namespace by a label."""
    return f"sum by ({label}) ({_in(slo, _requests(slo), namespace, window)})"


def quantile(slo: Slo, share: float, window: str, namespace: str) -> str:
    """Estimate the time, in seconds, within which a share of the requests of one namespace is answered."""
    times = _in(slo, f"{_seconds(slo)}_bucket", namespace, window)
    return f"histogram_quantile({share:g}, sum by (le) ({times}))"


def _requests(slo: Slo) -> str:
    return REQUESTS if slo.handlers else INGRESS_REQUESTS


def _seconds(slo: Slo) -> str:
    return SECONDS if slo.handlers else INGRESS_SECONDS


def _sum(slo: Slo, metric: str, more: tuple[str, ...], window: str) -> str:
    rate = f"rate({metric}{_matchers(slo, more)}[{window}])"
    if not slo.handlers:
        # A scrape renames the label when the ingress runs in a namespace of its own.
        rate = f'label_replace({rate}, "namespace", "$1", "exported_namespace", "(.+)")'
    return f"sum by (namespace) ({rate})"


def _matchers(slo: Slo, more: tuple[str, ...]) -> str:
    if slo.handlers:
        handlers = "|".join(re.escape(each) for each in slo.handlers)
        chosen = [f'service="{slo.name}"', f"handler=~{json.dumps(handlers)}"]
    else:
        chosen = [f'ingress="{slo.name}"']
    return f"{{{','.join([*chosen, *more])}}}"


def _in(slo: Slo, metric: str, namespace: str, window: str) -> str:
    """Rate what is of one namespace: as the rules tell it, so by the label that a scrape renamed where it did."""
    own = f'namespace="{namespace}"'
    chosen = [(own,)] if slo.handlers else [(f"exported_{own}",), ('exported_namespace=""', own)]
    return " or ".join(f"rate({metric}{_matchers(slo, each)}[{window}])" for each in chosen)


def _bucket(slo: Slo) -> str:
    """Match the bucket of the promised time; clients write a whole number of seconds as `1` or as `1.0`."""
    seconds = slo.latency_milliseconds / 1000
    if seconds.is_integer():
        return f'le=~"{seconds:.0f}([.]0)?"'
    return f'le="{seconds:g}"'
