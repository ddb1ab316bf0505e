"""What apt knows of Debian's archive: the newest packages, their changelogs, and the day of the lists.

Nothing is unpacked: files are read out of the .debs as they stream by.
"""

import posixpath
import shlex
import subprocess
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from email.message import Message
from email.parser import Parser
from email.utils import parsedate_to_datetime
from pathlib import Path

AGAIN = str(Path(__file__).parents[1] / "again.sh")
_SECURITY = "Debian-Security"
_ASKED_AT_ONCE = 200


class ArchiveError(Exception):
    """The archive does not give what a database is made of; the message says what to do."""


@dataclass(frozen=True)
class Binary:
    """A package of the archive and the source that it was built of; `size` in bytes."""

    name: str
    version: str
    source: str
    source_version: str
    size: int


@dataclass(frozen=True)
class Release:
    """The security suite as its list describes itself: Debian's release number and two points in time."""

    number: str
    date: datetime
    until: datetime


def stanzas(text: str) -> Iterator[Message]:
    """Read deb822 paragraphs."""
    for paragraph in text.split("\n\n"):
        if paragraph.strip():
            yield Parser().parsestr(paragraph.strip("\n") + "\n", headersonly=True)


def source_of(stanza: Message) -> tuple[str, str]:
    """Name the source of a package and its version, which differs after a rebuild of the binary only."""
    name, _, version = stanza.get("Source", stanza["Package"]).partition(" (")
    return name.strip(), version.rstrip(") \n") or stanza["Version"]


def newest(names: Iterable[str]) -> dict[str, Binary]:
    """Give the newest version in the archive of each package; those it does not have are left out."""
    found: dict[str, Binary] = {}
    asked = sorted(set(names))
    for start in range(0, len(asked), _ASKED_AT_ONCE):
        command = ["apt-cache", "show", *asked[start : start + _ASKED_AT_ONCE]]
        told = subprocess.run(command, capture_output=True, text=True, check=False).stdout
        for stanza in stanzas(told):
            # What is installed here and no longer in the archive has no file; the first one is the newest.
            if stanza["Filename"] and stanza["Package"] not in found:
                name, version = stanza["Package"], stanza["Version"]
                found[name] = Binary(name, version, *source_of(stanza), int(stanza["Size"]))
    return found


def update() -> None:
    """Fetch the lists anew."""
    _fetch(["apt-get", "update", "-qq", "-o", "APT::Update::Error-Mode=any"], Path.cwd())


def download(binaries: Iterable[Binary], folder: Path) -> dict[str, Path]:
    """Download packages into a folder; give the files by name; raise ArchiveError."""
    wanted = sorted({f"{each.name}={each.version}" for each in binaries})
    flags = ["-qq", "-o", "Acquire::http::Timeout=30", "-o", "APT::Sandbox::User=root"]
    if wanted:
        _fetch(["apt-get", "download", *flags, *wanted], folder)
    return {path.name.partition("_")[0]: path for path in sorted(folder.glob("*_*.deb"))}


def files_of(package: Path, below: str) -> Iterator[tuple[str, bytes | str]]:
    """Read what lies below a folder such as `usr/share/doc`: path and content, or where a link leads.

    The reader may stop early; the rest is then not unpacked.
    """
    command = ["dpkg-deb", "--fsys-tarfile", str(package)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as reading:
        try:
            with tarfile.open(fileobj=reading.stdout, mode="r|") as tree:
                for member in tree:
                    path = posixpath.normpath(member.name)
                    if not path.startswith(below + "/"):
                        continue
                    if member.issym():
                        target = posixpath.join(posixpath.dirname(path), member.linkname)
                        yield path, posixpath.normpath(target)
                    elif stream := tree.extractfile(member):
                        yield path, stream.read()
        except tarfile.TarError as error:
            raise ArchiveError(f"{package.name} cannot be read: {error}") from error
        finally:
            reading.kill()


def release() -> Release:
    """Find the description of the security suite among apt's lists; raise ArchiveError."""
    lists = _lists()
    for path in sorted(lists.glob("*Release")):
        text = path.read_text(encoding="utf-8", errors="replace")
        for stanza in stanzas(text.partition("\nSHA256:")[0]):
            if stanza["Label"] == _SECURITY and stanza["Date"]:
                date = parsedate_to_datetime(stanza["Date"])
                until = parsedate_to_datetime(stanza.get("Valid-Until", stanza["Date"]))
                return Release(stanza["Version"], date, until)
    raise ArchiveError(
        f"apt has no list of a suite labelled {_SECURITY} in {lists}, so nothing tells what is fixed and"
        " on which day that was known; add Debian's security suite to the sources and run: apt-get update"
    )


def _lists() -> Path:
    command = ["apt-config", "shell", "LISTS", "Dir::State::lists/d"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return Path(shlex.split(told)[0].removeprefix("LISTS="))


def _fetch(command: list[str], folder: Path) -> None:
    again = ["sh", AGAIN, *command]
    done = subprocess.run(again, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        told = done.stderr.strip() or f"exit code {done.returncode}"
        raise ArchiveError(f"{' '.join(command[:2])}: {told}")
