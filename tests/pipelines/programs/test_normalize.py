"""Packing an image of a Dockerfile anew: the same content gives the same digest, and nothing of it is lost."""

import hashlib
import json
import random
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.programs import normalize
from tests.pipelines.programs.archives import (
    DOCKER_GZIP,
    GZIP,
    PLAIN,
    Archive,
    Member,
    file,
    layer,
    link,
)
from tests.pipelines.programs.normalizing import OURS, arguments, pack, run, sample

needs_skopeo = pytest.mark.skipif(shutil.which("skopeo") is None, reason="needs Debian's skopeo")


def test_it_runs_with_nothing_beside_it_but_the_packer(tmp_path: Path) -> None:
    """As the builder has it."""
    programs = tmp_path / "programs/pipelines/programs"
    programs.mkdir(parents=True)
    for name in ("pack.py", "normalize.py"):
        shutil.copy(Path(normalize.__file__).with_name(name), programs)
    archive = Archive().write(tmp_path / "in.tar", layer(*sample()))
    out = tmp_path / "out"
    done = subprocess.run(
        [sys.executable, "-m", "pipelines.programs.normalize", *arguments(archive, out)],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path / "programs")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == pack(tmp_path / "again", layer(*sample())).described


def test_order_and_times_do_not_count(tmp_path: Path) -> None:
    one = pack(tmp_path / "one", layer(*sample(), time=1))
    for seed in range(3):
        shuffled = sample()
        random.Random(seed).shuffle(shuffled)
        other = pack(tmp_path / f"other{seed}", layer(*shuffled, time=1_700_000_000 + seed))
        assert other.described == one.described


@pytest.mark.parametrize(
    "archive",
    [
        Archive(media_type=PLAIN),
        Archive(media_type=DOCKER_GZIP),
        Archive(prefix="./"),
        Archive(nested=True),
        Archive(attested=True),
        Archive(attested=True, nested=True, prefix="./"),
    ],
)
def test_the_form_of_the_archive_does_not_count(tmp_path: Path, archive: Archive) -> None:
    """Compressed or not, an index within the index, attestations before the image, names with a leading ./ too."""
    usual = pack(tmp_path / "usual", layer(*sample()), archive=Archive(media_type=GZIP))
    assert pack(tmp_path / "other", layer(*sample()), archive=archive).described == usual.described


@pytest.mark.parametrize(
    "other",
    [
        file("etc/name", b"other\n"),
        file("etc/name", b"tried\n", mode=0o600),
        file("etc/name", b"tried\n", uid=7),
        file("etc/name", b"tried\n", gid=7),
    ],
)
def test_content_modes_and_owners_count(tmp_path: Path, other: Member) -> None:
    one = pack(tmp_path / "one", layer(file("etc/name", b"tried\n")))
    two = pack(tmp_path / "two", layer(other))
    assert one.described["digest"] != two.described["digest"]


def test_nothing_of_a_layer_is_lost_but_times_and_names_of_owners(tmp_path: Path) -> None:
    packed = pack(tmp_path / "out", layer(*sample(), time=99))
    assert packed.names() == sorted(packed.names(), key=str.encode)
    assert "." not in packed.names()
    members = {member.name: member for member, _ in packed.members()}
    run, app, null = members["app/run"], members["app"], members["dev/null"]
    assert (run.mode, run.uid, run.gid) == (0o755, 10001, 10001)
    assert (app.isdir(), app.mode, app.uid) == (True, 0o750, 10001)
    assert (members["app/link"].issym(), members["app/link"].linkname) == (True, "../etc/name")
    assert members["tmp"].mode == 0o1777
    assert members["usr/bin/su"].mode == stat.S_ISUID | 0o755
    assert (null.ischr(), null.devmajor, null.devminor) == (True, 1, 3)
    assert packed.content("etc/.wh.gone") == b""
    assert packed.content("etc/name") == packed.content("etc/again") == b"tried\n"
    assert {(each.mtime, each.uname, each.gname) for each in members.values()} == {(0, "", "")}


def test_a_hard_link_whose_target_sorts_later_takes_the_content(tmp_path: Path) -> None:
    """A reader sees an entry's target before the entry, or could not extract it."""
    packed = pack(tmp_path / "out", layer(file("z", b"shared", mode=0o755, uid=5), link("a", "z")))
    assert packed.names() == ["a", "z"]
    assert packed.member("a").isreg()
    assert (packed.member("a").mode, packed.member("a").uid) == (0o755, 5)
    later = packed.member("z")
    assert (later.islnk(), later.linkname) == (True, "a")
    assert (later.mode, later.uid) == (0o755, 5)
    assert packed.described["unpacked"] == len(b"shared")


def test_links_to_links_end_at_one_file(tmp_path: Path) -> None:
    linked = layer(file("m", b"shared"), link("z", "./m"), link("a", "/z"), link("b", "m"))
    packed = pack(tmp_path / "out", linked)
    assert {name: packed.content(name) for name in "abmz"} == dict.fromkeys("abmz", b"shared")
    assert [member.name for member, _ in packed.members() if member.isreg()] == ["a"]


def test_which_of_the_names_held_the_content_does_not_count(tmp_path: Path) -> None:
    one = pack(tmp_path / "one", layer(file("a", b"shared"), link("b", "a"), link("c", "a")))
    two = pack(tmp_path / "two", layer(file("c", b"shared"), link("b", "c"), link("a", "b")))
    assert one.described == two.described


def test_equal_files_that_are_not_linked_stay_apart(tmp_path: Path) -> None:
    packed = pack(tmp_path / "out", layer(file("a", b"same"), file("b", b"same")))
    assert all(member.isreg() for member, _ in packed.members())


def test_a_file_capability_stays(tmp_path: Path) -> None:
    """It is bytes, not text: this is cap_net_raw=ep, then one with a byte that is no ASCII."""
    key = "SCHILY.xattr.security.capability"
    for capability in (bytes.fromhex("0100000200200000" + "00" * 12), b"\x01\x00\x00\x02\xff\xfe"):
        value = capability.decode("utf-8", "surrogateescape")
        ping = file("bin/ping", b"ping", pax_headers={key: value, "comment": "goes"})
        packed = pack(tmp_path / capability.hex(), layer(ping))
        headers = packed.member("bin/ping").pax_headers
        assert headers[key].encode("utf-8", "surrogateescape") == capability
        assert "comment" not in headers


def test_names_that_are_no_text_or_very_long_stay(tmp_path: Path) -> None:
    latin = b"caf\xe9".decode("utf-8", "surrogateescape")
    names = sorted(
        [latin, "größe", "deep/" * 60 + "file"],
        key=lambda name: name.encode("utf-8", "surrogateescape"),
    )
    packed = pack(
        tmp_path / "out",
        layer(*(file(name, name.encode("utf-8", "surrogateescape")) for name in names)),
    )
    assert packed.names() == names
    assert packed.content(latin) == b"caf\xe9"


def test_every_layer_is_kept_in_its_order(tmp_path: Path) -> None:
    layers = [
        layer(file("one", b"1")),
        layer(file(".wh.one"), file("two", b"22")),
        layer(file("dir/.wh..wh..opq"), file("dir/three", b"333")),
    ]
    packed = pack(tmp_path / "out", *layers)
    names = [packed.names(position) for position in range(3)]
    assert names == [["one"], [".wh.one", "two"], ["dir/.wh..wh..opq", "dir/three"]]
    assert packed.described["unpacked"] == 6
    assert len(packed.config["rootfs"]["diff_ids"]) == 3


def test_the_layout_is_what_the_description_says(tmp_path: Path) -> None:
    packed = pack(tmp_path / "out", layer(*sample()), layer(file("b", b"b")))
    for blob in (packed.layout / "blobs/sha256").iterdir():
        assert hashlib.sha256(blob.read_bytes()).hexdigest() == blob.name
    index = json.loads((packed.layout / "index.json").read_bytes())
    assert [each["digest"] for each in index["manifests"]] == [packed.described["digest"]]
    sizes = [each["size"] for each in packed.manifest["layers"]]
    assert packed.described["compressed"] == sum(sizes)
    assert {each["mediaType"] for each in packed.manifest["layers"]} == {GZIP}


def test_how_the_image_runs_stays_and_where_it_comes_from_is_ours(tmp_path: Path) -> None:
    running = {
        "User": "10001:10001",
        "WorkingDir": "/app",
        "Env": ["PATH=/usr/bin", "B=2", "A=1"],
        "Entrypoint": ["/usr/bin/tini", "--"],
        "Cmd": ["serve"],
        "ExposedPorts": {"8080/tcp": {}},
        "Healthcheck": {"Test": ["CMD", "ask"], "Interval": 30_000_000_000},
        "StopSignal": "SIGQUIT",
        "Volumes": {"/data": {}},
    }
    labels = {"revision": "theirs", "maintainer": "somebody"}
    archive = Archive(config={**running, "Labels": labels, "Hostname": "builder", "OnBuild": ["X"]})
    packed = pack(tmp_path / "out", layer(file("a")), archive=archive)
    merged = {"maintainer": "somebody", **OURS["config"]["Labels"]}  # type: ignore[index]
    assert packed.config["config"] == {**running, "Labels": merged}
    assert packed.config["created"] == OURS["created"]
    assert packed.manifest["annotations"] == OURS["annotations"]
    assert all(each["created"] == OURS["created"] for each in packed.config["history"])


def test_an_image_that_says_nothing_gets_our_labels(tmp_path: Path) -> None:
    packed = pack(tmp_path / "out", layer(file("a")))
    assert packed.config["config"] == OURS["config"]


@given(
    st.dictionaries(
        st.text("ab/é.-", min_size=1, max_size=8).filter(
            lambda name: name.strip("/.") and ".." not in name.split("/") and "//" not in name
        ),
        st.binary(max_size=40),
        max_size=6,
    ),
    st.randoms(use_true_random=False),
)
@settings(max_examples=40, deadline=None)
def test_any_files_survive_in_any_order(
    tmp_path_factory: pytest.TempPathFactory, content: dict[str, bytes], order: random.Random
) -> None:
    wanted = {str(Path("/", name).relative_to("/")): data for name, data in content.items()}
    names = list(wanted)
    order.shuffle(names)
    path = tmp_path_factory.mktemp("any")
    packed = pack(path / "out", layer(*(file(name, wanted[name]) for name in names)))
    assert {member.name: data for member, data in packed.members()} == wanted


@needs_skopeo
def test_skopeo_reads_the_layout_and_copies_it_unchanged(tmp_path: Path) -> None:
    packed = pack(tmp_path / "out", layer(*sample()), layer(file("b", b"b")))
    digest = packed.described["digest"]
    inspected = subprocess.run(
        ["skopeo", "inspect", f"oci:{packed.layout}"], capture_output=True, text=True, check=True
    )
    told = json.loads(inspected.stdout)
    assert (told["Digest"], told["Os"], told["Architecture"]) == (digest, "linux", "amd64")
    assert told["Labels"] == OURS["config"]["Labels"]  # type: ignore[index]
    copy = ["skopeo", "--insecure-policy", "copy", "-q", "--preserve-digests"]
    subprocess.run([*copy, f"oci:{packed.layout}", f"oci:{tmp_path}/copy"], check=True)
    index = json.loads((tmp_path / "copy/index.json").read_bytes())
    assert index["manifests"][0]["digest"] == digest


@needs_skopeo
def test_what_skopeo_archives_is_normalized_to_the_same_image(tmp_path: Path) -> None:
    """An archive of other hands than this test's; and what is normal already stays as it is."""
    first = pack(tmp_path / "first", layer(*sample()))
    archive = tmp_path / "skopeo.tar"
    copy = ["skopeo", "--insecure-policy", "copy", "-q", f"oci:{first.layout}"]
    subprocess.run([*copy, f"oci-archive:{archive}"], check=True)
    done = run(archive, tmp_path / "second")
    assert json.loads(done.stdout) == first.described
