"""A Debian archive on this machine: real packages, real lists, read by the real apt without a network."""

import gzip
import hashlib
import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

PROGRAMS = Path(__file__).parents[3] / "pipelines/programs"
DATE = "Tue, 24 Nov 2026 00:34:33 UTC"
UNTIL = "Tue, 01 Dec 2026 00:34:33 UTC"


@dataclass
class Archive:
    """A repository of one suite in `folder/pool`, and an apt of its own that knows nothing else."""

    folder: Path
    label: str = "Debian-Security"
    _stanzas: list[str] = field(default_factory=list)

    def add(
        self,
        name: str,
        version: str = "1.0",
        files: dict[str, str | bytes] | None = None,
        *,
        source: str = "",
        changelog: str = "",
        links: dict[str, str] | None = None,
    ) -> None:
        """Build a package into the repository; a changelog goes where Debian's own packages have it."""
        tree = self.folder / "trees" / f"{name}_{version}"
        contents: dict[str, bytes] = {
            path: text if isinstance(text, bytes) else text.encode()
            for path, text in (files or {}).items()
        }
        if changelog:
            path = f"usr/share/doc/{name}/changelog.Debian.gz"
            contents[path] = gzip.compress(changelog.encode(), mtime=0)
        for path, content in contents.items():
            (tree / path).parent.mkdir(parents=True, exist_ok=True)
            (tree / path).write_bytes(content)
        for path, target in (links or {}).items():
            (tree / path).parent.mkdir(parents=True, exist_ok=True)
            (tree / path).symlink_to(target)
        (tree / "DEBIAN").mkdir(parents=True)
        control = f"Package: {name}\nVersion: {version}\nArchitecture: all\n"
        control += f"Source: {source}\n" if source else ""
        control += "Maintainer: N <n@example.com>\nDescription: for a test\n"
        (tree / "DEBIAN/control").write_text(control)
        pool = self.folder / "pool"
        pool.mkdir(exist_ok=True)
        package = pool / f"{name}_{version.replace(':', '%3a')}_all.deb"
        build = ["dpkg-deb", "--root-owner-group", "--build", tree, package]
        subprocess.run(build, check=True, capture_output=True)
        content = package.read_bytes()
        self._stanzas.append(
            f"{control}Filename: ./{package.name}\nSize: {len(content)}\n"
            f"SHA256: {hashlib.sha256(content).hexdigest()}\n"
        )

    def publish(self) -> None:
        """Write the lists of the repository."""
        packages = "\n".join(self._stanzas).encode()
        (self.folder / "pool").mkdir(exist_ok=True)
        (self.folder / "pool/Packages").write_bytes(packages)
        (self.folder / "pool/Release").write_text(
            f"Origin: Debian\nLabel: {self.label}\nSuite: oldstable-security\nVersion: 12\n"
            f"Codename: bookworm-security\nDate: {DATE}\nValid-Until: {UNTIL}\n"
            f"SHA256:\n {hashlib.sha256(packages).hexdigest()} {len(packages)} Packages\n"
        )

    @property
    def environment(self) -> dict[str, str]:
        """Give what makes every apt command use this archive, lists included."""
        apt = self.folder / "apt"
        for each in ("lists/partial", "cache/archives/partial", "etc"):
            (apt / each).mkdir(parents=True, exist_ok=True)
        (apt / "sources.list").write_text(f"deb [trusted=yes] file:{self.folder}/pool ./\n")
        (apt / "status").touch()
        (apt / "apt.conf").write_text(
            f'Dir::State "{apt}"; Dir::State::lists "{apt}/lists"; Dir::State::status "{apt}/status";\n'
            f'Dir::Cache "{apt}/cache"; Dir::Etc::sourcelist "{apt}/sources.list";\n'
            'Dir::Etc::sourceparts "-"; Dir::Etc::preferencesparts "-"; Dir::Etc::main "-"; Dir::Etc::parts "-";\n'
            'APT::Sandbox::User "root"; Acquire::Languages "none"; Acquire::Check-Valid-Until "false";\n'
        )
        return {**os.environ, "APT_CONFIG": str(apt / "apt.conf"), "AGAIN_PAUSE": "0"}

    def update(self) -> None:
        """Publish, and let apt read the lists."""
        self.publish()
        update = ["apt-get", "update", "-qq"]
        subprocess.run(update, env=self.environment, check=True, capture_output=True)


def changelog(source: str, *entries: tuple[str, str]) -> str:
    """Write a changelog of entries (version, items), newest first."""
    return "\n".join(
        f"{source} ({version}) bookworm-security; urgency=high\n\n{items}\n\n"
        " -- N <n@example.com>  Tue, 24 Nov 2026 00:00:00 +0000\n"
        for version, items in entries
    )
