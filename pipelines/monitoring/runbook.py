"""Runbooks: one page per alert. The first text of each is made here; from then on it belongs to those who are woken by it."""

from pipelines.monitoring.alerts import BURNS, UNCOUNTED
from pipelines.monitoring.promise import LATENCY, SUCCESS

_WORDS = {
    SUCCESS: "More requests end in a server error (5xx) than the service promises.",
    LATENCY: "More requests take longer than the service promises.",
}
_BURNS = """# {alert}

{words} The alert's `window` says since when: `1h` and `6h` are pages, `1d` and `3d` tickets.

## Is it a release?

    dagger call history --env=ENVIRONMENT --only=SERVICE
    dagger call status --env=ENVIRONMENT --only=SERVICE

When it began with a release, go back first and look for the cause afterwards; a blue-green service is back in one write:

    dagger call rollback --env=ENVIRONMENT --only=SERVICE

## Is it not?

1. The dashboard (`dashboard_url` of the alert): which handler, which status, since when? All handlers at once points to what they share.
2. `kubectl -n NAMESPACE get pods -l app.kubernetes.io/name=SERVICE`: restarts, pods that are not ready.
3. `kubectl -n NAMESPACE logs -l app.kubernetes.io/name=SERVICE --since=15m`: the logs are JSON, failed requests carry their `request_id`.
4. `kubectl -n NAMESPACE get events --sort-by=.lastTimestamp`: node, quota, image.

## When it is over

The alert ends by itself once the short window is quiet. Write down what it was and what would have told sooner: here, in this file.
"""
_UNCOUNTED = """# {alert}

Within the last day Prometheus knew how many requests of this service miss the promise, and does not any more. While that is so, no alert about its promises can fire.

1. Was the service taken away on purpose? Then the alert ends after a day.
2. Prometheus' page of targets: is the service listed, and what does the last scrape say?
3. `kubectl -n NAMESPACE get endpointslices -l kubernetes.io/service-name=SERVICE`: without ready endpoints there is nothing to scrape, and users get nothing either.
4. `kubectl -n NAMESPACE get --raw /api/v1/namespaces/NAMESPACE/services/SERVICE:http/proxy/metrics`: does the service answer with numbers? A service without metrics
   of its own is counted by ingress-nginx: ask that one. For the promise of latency there must be a bucket of the promised time among them (`le`, in seconds).
5. A NetworkPolicy that does not let Prometheus in looks like a time-out in step 2 and like nothing at all in step 4.
"""


def texts() -> dict[str, str]:
    """Give the first text of each alert's runbook, by the alert's name."""
    found = {
        BURNS[kind]: _BURNS.format(alert=BURNS[kind], words=words) for kind, words in _WORDS.items()
    }
    return {**found, UNCOUNTED: _UNCOUNTED.format(alert=UNCOUNTED)}
