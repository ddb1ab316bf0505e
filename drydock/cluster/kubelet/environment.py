"""The environment and the command of a container, put together as a kubelet does.

Invariant: later definitions win over earlier ones, and `$(NAME)` sees only what stands before it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from fractions import Fraction
from signal import Signals

from drydock.cluster.controllers.meta import annotations_of, key_of, labels_of
from drydock.cluster.errors import Obj
from drydock.cluster.kubelet.source import ConfigError, ConfigSource, decoded
from drydock.cluster.quantity import amount
from drydock.runtime.image import ImageConfig

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

_REFERENCE = re.compile(r"\$(\$|\(([^)$]*)\))")
_ENTRY = re.compile(r"metadata\.(labels|annotations)\['([^']+)'\]")


def expand(text: str, known: Mapping[str, str]) -> str:
    """Replace `$(NAME)` by known values; `$$` is one dollar, unknown names stay as they are."""

    def value(match: re.Match[str]) -> str:
        if match[1] == "$":
            return "$"
        return known.get(match[2], match[0])

    return _REFERENCE.sub(value, text)


def command_of(
    container: Obj, image: ImageConfig, environment: Mapping[str, str]
) -> tuple[str, ...]:
    """Return the argument vector: `command` replaces entrypoint and cmd, `args` replaces cmd."""
    command, args = container.get("command"), container.get("args")
    if command:
        words = [*command, *(args or [])]
        return tuple(expand(word, environment) for word in words)
    given = [expand(word, environment) for word in args] if args else list(image.cmd)
    return (*image.entrypoint, *given)


def stop_signal_of(image: ImageConfig) -> Signals:
    """Return the signal that asks the program to end: the image's own, `SIGQUIT`, `QUIT` or `3`, else SIGTERM."""
    text = image.stop_signal.upper()
    try:
        if text.isdecimal():
            return Signals(int(text))
        return Signals[text if text.startswith("SIG") else f"SIG{text}"]
    except (KeyError, ValueError):
        return Signals.SIGTERM


async def environment_of(
    container: Obj,
    pod: Obj,
    *,
    image: ImageConfig,
    addresses: Mapping[str, str],
    services: Mapping[str, str],
    source: ConfigSource,
) -> dict[str, str]:
    """Return all variables: image, services, `envFrom`, `env`; raises ConfigError.

    `addresses` holds `podIP` and `hostIP`.
    """
    made = dict(pair.partition("=")[::2] for pair in image.env)
    made.setdefault("PATH", DEFAULT_PATH)
    made["HOSTNAME"] = pod["spec"].get("hostname") or pod["metadata"]["name"][:63]
    made |= services
    namespace = key_of(pod)[0]
    for one in container.get("envFrom") or []:
        made |= await _whole(one, namespace, source)
    for one in container.get("env") or []:
        if "valueFrom" in one:
            value = await _value(one["valueFrom"], container, pod, addresses, source)
            if value is None:
                continue
        else:
            value = expand(one.get("value") or "", made)
        made[one["name"]] = value
    return made


async def _whole(one: Obj, namespace: str, source: ConfigSource) -> dict[str, str]:
    """Return every entry of a ConfigMap or Secret as variables, with the prefix."""
    prefix = one.get("prefix", "")
    for field, kind in (("configMapRef", "v1/ConfigMap"), ("secretRef", "v1/Secret")):
        if field not in one:
            continue
        held = await source.get(kind, namespace, one[field]["name"], one[field].get("optional"))
        if held is None:
            return {}
        return {prefix + name: value.decode() for name, value in decoded(held).items()}
    return {}


async def _value(
    origin: Obj, container: Obj, pod: Obj, addresses: Mapping[str, str], source: ConfigSource
) -> str | None:
    """Return one value, None for an optional one that is absent."""
    if "fieldRef" in origin:
        return field_of(pod, origin["fieldRef"]["fieldPath"], addresses)
    if "resourceFieldRef" in origin:
        return resource_of(pod, container, origin["resourceFieldRef"])
    for field, kind in (("configMapKeyRef", "v1/ConfigMap"), ("secretKeyRef", "v1/Secret")):
        if field in origin:
            reference = origin[field]
            namespace = key_of(pod)[0]
            optional = reference.get("optional")
            held = await source.get(kind, namespace, reference["name"], optional)
            if held is None:
                return None
            values = decoded(held)
            if reference["key"] in values:
                return values[reference["key"]].decode()
            if optional:
                return None
            short = kind.rpartition("/")[2]
            where = f"{short} {namespace}/{reference['name']}"
            raise ConfigError(f"couldn't find key {reference['key']} in {where}")
    return None


def field_of(pod: Obj, path: str, addresses: Mapping[str, str]) -> str:
    """Return a field of the pod as the downward API shows it."""
    namespace, name = key_of(pod)
    entry = _ENTRY.fullmatch(path)
    if entry is not None:
        held = labels_of(pod) if entry[1] == "labels" else annotations_of(pod)
        return held.get(entry[2], "")
    plain: dict[str, str] = {
        "metadata.name": name,
        "metadata.namespace": namespace,
        "metadata.uid": pod["metadata"]["uid"],
        "metadata.labels": _lines(labels_of(pod)),
        "metadata.annotations": _lines(annotations_of(pod)),
        "spec.nodeName": pod["spec"].get("nodeName", ""),
        "spec.serviceAccountName": pod["spec"].get("serviceAccountName", "default"),
        "status.podIP": addresses["podIP"],
        "status.podIPs": addresses["podIP"],
        "status.hostIP": addresses["hostIP"],
        "status.hostIPs": addresses["hostIP"],
    }
    if path not in plain:
        raise ConfigError(f"unsupported fieldPath: {path}")
    return plain[path]


def resource_of(pod: Obj, container: Obj, reference: Obj) -> str:
    """Return a request or limit in units of the divisor, rounded up."""
    name = reference.get("containerName")
    if name:
        container = next(one for one in pod["spec"]["containers"] if one["name"] == name)
    group, _, resource = reference["resource"].partition(".")
    resources = container.get("resources") or {}
    text = (resources.get(group) or {}).get(resource)
    if text is None and group == "requests":
        text = (resources.get("limits") or {}).get(resource)
    divisor = amount(reference.get("divisor") or "1") or Fraction(1)
    return str(math.ceil(amount(text or "0") / divisor))


def service_variables(namespace: str, services: Iterable[Obj], *, links: bool) -> dict[str, str]:
    """Return the variables that name Services: always the API's, the namespace's when linked."""
    made: dict[str, str] = {}
    for service in services:
        where, name = key_of(service)
        is_api = (where, name) == ("default", "kubernetes")
        address = service["spec"].get("clusterIP")
        ports = service["spec"].get("ports") or []
        if not (is_api or (links and where == namespace)) or address in (None, "", "None"):
            continue
        if not ports:
            continue
        prefix = name.upper().replace("-", "_")
        made[f"{prefix}_SERVICE_HOST"] = address
        made[f"{prefix}_SERVICE_PORT"] = str(ports[0]["port"])
        for port in ports:
            if port.get("name"):
                suffix = port["name"].upper().replace("-", "_")
                made[f"{prefix}_SERVICE_PORT_{suffix}"] = str(port["port"])
    return made


def _lines(entries: Mapping[str, str]) -> str:
    def quoted(value: str) -> str:
        return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")

    return "\n".join(f'{name}="{quoted(value)}"' for name, value in sorted(entries.items()))
