"""COPY and ADD: files of the context, of another stage, of the web, or written in place."""

from __future__ import annotations

import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from drydock.engine.errors import EngineError
from drydock.engine.lazy import Lazy
from drydock.engine.tree import in_thread
from drydock.engine.tree.edit import TreeEdit
from drydock.engine.tree.paths import clean, inside
from drydock.engine.tree.patterns import translate
from drydock.engine.tree.walk import walk

from .dockerfile import Heredoc, Instruction, fail
from .stages import Build
from .words import expand, expand_document, split

if TYPE_CHECKING:
    from drydock.engine.types.container import Container
    from drydock.engine.types.directory import Directory

_MISSING = "failed to load container from converted ID: "


async def copy_in(
    build: Build, container: Container, item: Instruction, variables: Mapping[str, str]
) -> Container:
    """Return the container with the copies."""
    words = list(item.words) if item.words is not None else split(item.text)
    words = [expand(word, variables) for word in words]
    if len(words) < 2:
        raise fail(item.line, f"{item.keyword} requires at least two arguments, but only one was provided")
    *sources, target = words
    copy = _Copy(build, item, target, expand(item.flag("chown"), variables), _mode(item, variables))
    documents = {f"<<{document.name}": document for document in item.heredocs}
    origin = build.context
    if name := item.flag("from"):
        origin = await build.steps.do(await build.source(expand(name, variables)), "rootfs")
    excluded = [expand(word, variables) for word in item.flag_values("exclude")]
    many = len(sources) > 1
    for source in sources:
        document = documents.get(source.replace("<<-", "<<"))
        if document is not None:
            container = await copy.document(container, document, variables)
        elif item.keyword == "ADD" and source.startswith(("http://", "https://")):
            container = await copy.download(container, source, item.flag("checksum"))
        else:
            container = await copy.paths(container, origin, source, excluded, many=many)
    return container


def _mode(item: Instruction, variables: Mapping[str, str]) -> int | None:
    text = expand(item.flag("chmod"), variables)
    if not text:
        return None
    try:
        return int(text, 8)
    except ValueError:
        raise fail(item.line, f"invalid chmod parameter: '{text}'. it should be octal string and between 0 and 07777") from None


class _Copy:
    """One instruction's target and attributes."""

    def __init__(
        self, build: Build, item: Instruction, target: str, owner: str, mode: int | None
    ) -> None:
        self._build = build
        self._item = item
        self._target = target
        self._owner = owner
        self._mode = mode

    def _place(self, container: Container) -> str:
        """Return the absolute target; a slash at its end stays."""
        slash = "/" if self._target.endswith(("/", "/.")) or self._target in {".", ""} else ""
        return container.config.path(self._target).rstrip("/") + slash or "/"

    async def document(
        self, container: Container, document: Heredoc, variables: Mapping[str, str]
    ) -> Container:
        """Write a heredoc."""
        text = document.contents
        if document.expand:
            text = expand_document(text, variables)
        path = self._place(container)
        if path.endswith("/"):
            path += document.name
        return await self._build.steps.container(
            container,
            "withNewFile",
            path=path,
            contents=text,
            permissions=0o644 if self._mode is None else self._mode,
            owner=self._owner,
        )

    async def download(self, container: Container, url: str, checksum: str) -> Container:
        """Add a file of the web (mode 0600, as Docker has it)."""
        from drydock.engine.execute import ROOT

        file = await self._build.steps.do(ROOT, "http", url=url, checksum=checksum or None)
        return await self._file(container, file)

    async def paths(
        self, container: Container, origin: Directory, source: str, excluded: list[str], *, many: bool
    ) -> Container:
        """Copy what a path or pattern names: files, or what directories hold."""
        found = await self._found(origin, source)
        if (many or len(found) > 1) and not self._place(container).endswith("/"):
            raise fail(
                self._item.line,
                f"when using {self._item.keyword} with more than one source file, "
                "the destination must be a directory and end with a /",
            )
        for path, is_directory in found:
            if is_directory:
                directory = await self._build.steps.do(origin, "directory", path=path)
                container = await self._directory(container, directory, excluded)
            else:
                file = await self._build.steps.do(origin, "file", path=path)
                if self._item.keyword == "ADD" and (archive := await self._unpacked(file)):
                    container = await self._directory(container, archive, [])
                else:
                    container = await self._file(container, file)
        return container

    async def _found(self, origin: Directory, source: str) -> list[tuple[str, bool]]:
        """Return (path, is it a directory) of everything that a source names."""
        wanted = clean(source).lstrip("/")

        def look(root: Path) -> list[tuple[str, bool]]:
            if not any(char in wanted for char in "*?["):
                place = inside(root, wanted)
                return [(wanted or "/", place.is_dir())] if place.exists() else []
            regex = translate(wanted)
            depth = wanted.count("/")
            return [
                (entry.path, entry.is_directory)
                for entry in walk(root)
                if entry.path.count("/") == depth and regex.match(entry.path)
            ]

        try:
            async with origin.mounted(self._build.steps.call.runtime) as root:
                found = await in_thread(look, root)
        except EngineError as error:
            # A stage that fails is the build's failure, worded as that of the built container.
            raise error.prefixed("failed to clone built container state: ") from error
        if not found:
            raise EngineError(f"{_MISSING}lstat /{wanted}: no such file or directory")
        return found

    async def _directory(
        self, container: Container, source: Directory, excluded: list[str]
    ) -> Container:
        if self._mode is not None:
            source = await self._with_mode(source)
        return await self._build.steps.container(
            container,
            "withDirectory",
            path=self._place(container),
            source=source,
            exclude=excluded,
            owner=self._owner,
        )

    async def _with_mode(self, source: Directory) -> Directory:
        from drydock.engine.execute import ROOT

        empty = await self._build.steps.do(ROOT, "directory")
        made: Any = await self._build.steps.do(
            empty, "withDirectory", path="/", source=source, permissions=self._mode
        )
        return made  # type: ignore[no-any-return]

    async def _file(self, container: Container, file: Any) -> Container:
        return await self._build.steps.container(
            container,
            "withFile",
            path=self._place(container),
            source=file,
            permissions=self._mode,
            owner=self._owner,
        )

    async def _unpacked(self, file: Any) -> Directory | None:
        """Return what a local tar archive holds, None for any other file."""
        from drydock.engine.types.directory import Directory

        engine = self._build.steps.call.runtime
        async with file.mounted(engine) as place:
            if not await in_thread(tarfile.is_tarfile, place):
                return None

        async def apply(root: Path) -> None:
            async with file.mounted(engine) as place:

                def unpack() -> None:
                    with tarfile.open(place) as archive:
                        archive.extractall(root, filter="tar", numeric_owner=True)

                await in_thread(unpack)

        empty = Lazy.ready("empty", engine.snapshots.empty)
        return Directory(TreeEdit(engine, empty, ["untar"], apply, inputs=[file], cheap=False))
