"""Dockerfiles are carried out, and what they do not use does not repeat their instructions."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from drydock.engine.execute import execute
from drydock.engine.session import Session

from .conftest import BUSYBOX

pytestmark = pytest.mark.root

# A stamp that only a command which really ran again can change.
STAMP = "RUN cat /proc/sys/kernel/random/uuid"
Build = Callable[..., Awaitable[Any]]


@pytest.fixture
def context(tmp_path: Path) -> Path:
    """Return a folder with a static busybox, which serves as the base of every image."""
    folder = tmp_path / "context"
    (folder / "bin").mkdir(parents=True)
    (folder / "bin/busybox").write_bytes(BUSYBOX.read_bytes())
    for tool in ("sh", "cat", "ls", "echo", "id", "stat"):
        (folder / "bin" / tool).symlink_to("busybox")
    for place in (folder / "bin").iterdir():
        if not place.is_symlink():
            place.chmod(0o755)
    return folder


@pytest.fixture
def build(session: Session, context: Path) -> Build:
    """Return a function that builds the context and asks the container for something."""

    async def ask(dockerfile: str, wanted: str, arguments: str = "") -> Any:
        (context / "Dockerfile").write_text("FROM scratch AS base\nCOPY bin /bin\n" + dockerfile)
        _, body = await execute(
            session.client,
            f"{{ host {{ directory(path: {json.dumps(str(context))}, noCache: true) "
            f"{{ dockerBuild{arguments} {{ {wanted} }} }} }} }}",
        )
        if "errors" in body:
            return body["errors"][0]["message"]
        return body["data"]["host"]["directory"]["dockerBuild"]

    return ask


def contents(answer: Any) -> str:
    assert isinstance(answer, dict), answer
    return str(answer["file"]["contents"])


def file(path: str) -> str:
    return f'file(path: "{path}") {{ contents }}'


async def test_a_copy_is_known_by_what_it_takes(build: Build, context: Path) -> None:
    """Other files of the context do not repeat what follows a copy; the copied ones do."""
    (context / "packages.txt").write_text("one\n")
    text = f"COPY packages.txt /\n{STAMP} > /stamp\nCOPY . /app\n"
    first = contents(await build(text, file("/stamp")))
    (context / "source.txt").write_text("new\n")
    again = await build(text, file("/stamp") + 'directory(path: "/app") { entries }')
    assert contents(again) == first
    assert "source.txt" in again["directory"]["entries"]
    (context / "packages.txt").write_text("two\n")
    assert contents(await build(text, file("/stamp"))) != first


async def test_a_stage_that_holds_the_same_repeats_nothing(build: Build, context: Path) -> None:
    """What a stage was made of does not count for who copies from it, only what is taken."""
    text = (
        "COPY input.txt /\nRUN cat input.txt > /noise && echo same > /result\n"
        f"FROM base\nCOPY --from=made /result /\n{STAMP} > /stamp\n"
    ).replace("COPY input", "FROM base AS made\nCOPY input")
    (context / "input.txt").write_text("one\n")
    first = contents(await build(text, file("/stamp")))
    (context / "input.txt").write_text("two\n")
    assert contents(await build(text, file("/stamp"))) == first


async def test_the_mode_of_a_copied_file_counts(build: Build, context: Path) -> None:
    """A file that became executable is another file."""
    (context / "tool").write_text("#!/bin/sh\n")
    text = "COPY tool /\nRUN stat -c %a /tool > /mode\n"
    assert contents(await build(text, file("/mode"))) == "644\n"
    (context / "tool").chmod(0o755)
    assert contents(await build(text, file("/mode"))) == "755\n"


async def test_a_mounted_context_lacks_what_is_ignored(build: Build, context: Path) -> None:
    """RUN --mount=type=bind sees what COPY would see."""
    (context / ".dockerignore").write_text("secret.txt\n")
    (context / "secret.txt").write_text("x")
    (context / "kept.txt").write_text("x")
    found = contents(
        await build("RUN --mount=type=bind,target=/src ls /src > /seen", file("/seen"))
    )
    assert "kept.txt" in found
    assert "secret.txt" not in found


async def test_a_file_that_is_not_there_is_named(build: Build) -> None:
    """The copy that fails is found before anything after it runs."""
    message = await build("COPY absent.txt /\nRUN true\n", file("/x"))
    assert '"/absent.txt": lstat absent.txt: no such file or directory' in message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("COPY --parents a/b.txt /", "COPY --parents; name the files"),
        ("COPY --exclude=*.md . /", "COPY --exclude; name the files"),
        ("RUN <<EOF\n#!/usr/bin/env python3\nprint()\nEOF", "RUN /usr/bin/env python3 <<EOF"),
    ],
)
async def test_what_is_not_done_is_refused(build: Build, text: str, message: str) -> None:
    """An instruction that would come out wrong ends the build with another way to write it."""
    assert message in await build(text, file("/x"))


async def test_a_usual_service_image(build: Build, context: Path) -> None:
    """User, port, health check, entrypoint, labels, arguments, owners: all as written."""
    (context / "app.txt").write_text("app")
    (context / "passwd").write_text("root:x:0:0::/:/bin/sh\napp:x:10001:10001::/:/bin/sh\n")
    text = """
        ARG VERSION=unknown
        ENV PORT=3000 \\
            # a comment inside
            MODE=production
        LABEL org.opencontainers.image.version="$VERSION"
        COPY passwd /etc/passwd
        WORKDIR /app
        COPY --chown=app --chmod=0400 app.txt ./
        COPY <<END settings.txt
        port ${PORT}
        END
        USER app
        RUN id -u > /tmp/uid; stat -c %u:%a app.txt > /tmp/owner
        EXPOSE ${PORT}
        HEALTHCHECK --interval=10s --retries=2 CMD ["/bin/sh", "-c", "true"]
        ENTRYPOINT ["/bin/sh", "-c"]
        CMD ["echo served"]
    """
    text = "\n".join(line.removeprefix(" " * 8) for line in text.splitlines())
    text = text.replace("USER app", "RUN mkdir -m 1777 /tmp\nUSER app")
    (context / "bin/mkdir").symlink_to("busybox")
    found = await build(
        text,
        """
        user workdir entrypoint defaultArgs labels { name value } exposedPorts { port protocol }
        dockerHealthcheck { args interval retries }
        uid: file(path: "/tmp/uid") { contents } owner: file(path: "/tmp/owner") { contents }
        settings: file(path: "settings.txt") { contents }
        run: withExec(args: ["echo as a word"], useEntrypoint: true) { stdout }
        """,
        '(buildArgs: [{name: "VERSION", value: "1.2.3"}])',
    )
    assert found == {
        "user": "app",
        "workdir": "/app",
        "entrypoint": ["/bin/sh", "-c"],
        "defaultArgs": ["echo served"],
        "labels": [{"name": "org.opencontainers.image.version", "value": "1.2.3"}],
        "exposedPorts": [{"port": 3000, "protocol": "TCP"}],
        "dockerHealthcheck": {
            "args": ["/bin/sh", "-c", "true"],
            "interval": "10s",
            "retries": 2,
        },
        "uid": {"contents": "10001\n"},
        "owner": {"contents": "10001:400\n"},
        "settings": {"contents": "port 3000\n"},
        "run": {"stdout": "as a word\n"},
    }
