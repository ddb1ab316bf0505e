"""The volumes of a pod as folders on this machine, and their mounts into containers.

Invariant: files of a ConfigMap, Secret, projected or downward volume change all at once, by the
swap of one symbolic link, so that a reader never sees half of an update.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from drydock.cluster.controllers.meta import key_of
from drydock.cluster.errors import Obj
from drydock.cluster.kubelet.environment import expand, field_of, resource_of
from drydock.cluster.kubelet.local_volumes import UnboundClaim, folder_of
from drydock.cluster.kubelet.source import ConfigError, ConfigSource, decoded
from drydock.runtime.process import BindMount

TOKEN_SECONDS = 3600
DATA = "..data"
CONFIGURED = ("configMap", "secret", "projected", "downwardAPI")


class MountError(Exception):
    """A volume cannot be provided (yet); the text is the FailedMount event's."""


@dataclass(frozen=True)
class File:
    """One file of a configured volume."""

    content: bytes
    mode: int


class Volumes:
    """The volumes of one pod, below one folder."""

    def __init__(
        self, pod: Obj, folder: Path, source: ConfigSource, addresses: Mapping[str, str]
    ) -> None:
        self._pod = pod
        self._folder = folder
        self._source = source
        self._addresses = addresses
        self._specs = {one["name"]: one for one in pod["spec"].get("volumes") or []}
        security = pod["spec"].get("securityContext") or {}
        self._group: int | None = security.get("fsGroup")
        self._claimed: dict[str, Path] = {}

    async def prepare(self) -> None:
        """Make every volume; raises MountError."""
        for spec in self._specs.values():
            await self._prepare(spec)

    async def refresh(self) -> None:
        """Bring the configured volumes up to date; what is gone by now keeps its last content."""
        for spec in self._specs.values():
            if any(field in spec for field in CONFIGURED):
                await self._prepare(spec)

    async def remove(self) -> None:
        """Delete every file of the pod's volumes."""
        await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)

    def mounts(self, container: Obj, environment: Mapping[str, str]) -> list[BindMount]:
        """Return the mounts of a container, outer ones first."""
        made = [self._mount(one, environment) for one in container.get("volumeMounts") or []]
        return sorted(made, key=lambda mount: mount.target.rstrip("/").count("/"))

    def _mount(self, mount: Obj, environment: Mapping[str, str]) -> BindMount:
        spec = self._specs[mount["name"]]
        source = self._path(spec)
        below = mount.get("subPath") or expand(mount.get("subPathExpr") or "", environment)
        if below:
            source = _inside(source, below)
            if not source.exists():
                source.mkdir(parents=True)
                self._share(source)
        claimed = spec.get("persistentVolumeClaim") or {}
        read_only = bool(mount.get("readOnly") or claimed.get("readOnly"))
        read_only = read_only or any(field in spec for field in CONFIGURED)
        return BindMount(source, mount["mountPath"], read_only)

    def _path(self, spec: Obj) -> Path:
        if "hostPath" in spec:
            return Path(spec["hostPath"]["path"])
        if spec["name"] in self._claimed:
            return self._claimed[spec["name"]]
        return self._folder / str(spec["name"])

    async def _prepare(self, spec: Obj) -> None:
        path = self._path(spec)
        if "hostPath" in spec:
            _host_path(spec["hostPath"])
            return
        if any(field in spec for field in CONFIGURED):
            files = await self._files(spec)
            await asyncio.to_thread(self._swap, path, files)
            return
        if "persistentVolumeClaim" in spec:
            await self._claim(spec["name"], spec["persistentVolumeClaim"]["claimName"])
            return
        if "emptyDir" not in spec:
            kind = next((name for name in spec if name != "name"), "nothing")
            raise MountError(
                f'volume "{spec["name"]}": this cluster does not provide {kind} volumes; use '
                "emptyDir, persistentVolumeClaim, hostPath, configMap, secret, projected or downwardAPI"
            )
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(0o777)
        self._share(path)

    async def _claim(self, volume: str, claim: str) -> None:
        try:
            path = await folder_of(self._source, key_of(self._pod)[0], claim)
        except UnboundClaim as error:
            text = f'MountVolume.SetUp failed for volume "{volume}" : {error}'
            raise MountError(text) from error
        self._claimed[volume] = path
        self._share(path)

    async def _files(self, spec: Obj) -> dict[str, File]:
        try:
            if "projected" in spec:
                made: dict[str, File] = {}
                mode = spec["projected"].get("defaultMode", 0o644)
                for one in spec["projected"].get("sources") or []:
                    made |= await self._source_files(one, mode)
                return made
            field = next(name for name in CONFIGURED if name in spec)
            return await self._source_files(spec, spec[field].get("defaultMode", 0o644))
        except ConfigError as error:
            text = f'MountVolume.SetUp failed for volume "{spec["name"]}" : {error}'
            raise MountError(text) from error

    async def _source_files(self, one: Obj, mode: int) -> dict[str, File]:
        """Return the files of one source; a volume of one source reads like a projected one."""
        if "serviceAccountToken" in one:
            asked = one["serviceAccountToken"]
            seconds = asked.get("expirationSeconds", TOKEN_SECONDS)
            token = await self._source.token(
                self._pod, audience=asked.get("audience", ""), seconds=seconds
            )
            return {asked["path"]: File(token.encode(), 0o600 if self._group is None else 0o640)}
        if "downwardAPI" in one:
            return {
                item["path"]: File(self._downward(item).encode(), item.get("mode", mode))
                for item in one["downwardAPI"].get("items") or []
            }
        for field, kind in (("configMap", "v1/ConfigMap"), ("secret", "v1/Secret")):
            if field in one:
                return await self._config_files(one[field], kind, mode)
        raise ConfigError(f"projected source {next(iter(one), '')} is not provided")

    async def _config_files(self, wanted: Obj, kind: str, mode: int) -> dict[str, File]:
        name = wanted.get("name") or wanted.get("secretName", "")
        namespace = key_of(self._pod)[0]
        held = await self._source.get(kind, namespace, name, wanted.get("optional"))
        if held is None:
            return {}
        entries = decoded(held)
        if not wanted.get("items"):
            return {key: File(content, mode) for key, content in entries.items()}
        made = {}
        for item in wanted["items"]:
            if item["key"] in entries:
                made[item["path"]] = File(entries[item["key"]], item.get("mode", mode))
            elif not wanted.get("optional"):
                raise ConfigError(
                    f"references non-existent {kind.rpartition('/')[2].lower()} key: {item['key']}"
                )
        return made

    def _downward(self, item: Obj) -> str:
        if "fieldRef" in item:
            return field_of(self._pod, item["fieldRef"]["fieldPath"], self._addresses)
        return resource_of(self._pod, {}, item["resourceFieldRef"])

    def _swap(self, path: Path, files: Mapping[str, File]) -> None:
        path.mkdir(parents=True, exist_ok=True)
        current = path / DATA
        if current.is_symlink() and _content(current.resolve()) == {
            name: file.content for name, file in files.items()
        }:
            return
        fresh = path / f"..{time.time_ns()}"
        fresh.mkdir()
        for name, file in files.items():
            target = _inside(fresh, name)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file.content)
            target.chmod(file.mode)
            self._share(target)
        link = path / "..data_tmp"
        link.unlink(missing_ok=True)
        old = current.resolve() if current.is_symlink() else None
        link.symlink_to(fresh.name)
        link.replace(current)
        tops = {name.split("/")[0] for name in files}
        for name in tops:
            top = path / name
            if not top.is_symlink():
                top.symlink_to(f"{DATA}/{name}")
        for entry in path.iterdir():
            if entry.is_symlink() and entry.name not in tops and entry.name != DATA:
                entry.unlink()
        if old is not None:
            shutil.rmtree(old, ignore_errors=True)

    def _share(self, path: Path) -> None:
        """Give a file or folder to the pod's group, as `fsGroup` asks."""
        if self._group is None:
            return
        os.chown(path, -1, self._group)
        mode = path.stat().st_mode & 0o7777
        path.chmod(mode | 0o2070 if path.is_dir() else mode | ((mode & 0o700) >> 3))


def _inside(folder: Path, below: str) -> Path:
    """Join a path that must not leave the folder, whatever links lie on the way."""
    base = folder.resolve()
    path = (folder / below).resolve()
    if not path.is_relative_to(base):
        raise MountError(f"path {below!r} leaves its volume")
    return path


def _content(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def _host_path(wanted: Obj) -> None:
    path, kind = Path(wanted["path"]), wanted.get("type", "")
    if kind == "DirectoryOrCreate":
        path.mkdir(parents=True, exist_ok=True)
    elif kind == "FileOrCreate" and not path.exists():
        path.touch()
    elif not path.exists():
        raise MountError(f"hostPath type check failed: {path} is not a directory")
