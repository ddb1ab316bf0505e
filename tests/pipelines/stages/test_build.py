"""Building: what the packer says becomes an image, and a build ends in any case."""

import anyio
import pytest
from dagger import dag

from pipelines.model import StageFailure
from pipelines.stages import build
from pipelines.stages.build import build_dockerfile, parse_image
from pipelines.stages.subject import Subject
from pipelines.toolchains.run import TIMED_OUT
from tests.pipelines.examples import CLEAN, dockerfile_service, service


def test_the_packers_words_become_an_image() -> None:
    image = parse_image(service(), '{"digest": "sha256:aa", "unpacked": 3, "compressed": 2}')
    assert (image.service, image.digest) == ("shop", "sha256:aa")
    assert (image.unpacked, image.compressed) == (3, 2)
    assert image.reference("localhost:5000/b") == "localhost:5000/b@sha256:aa"


async def test_a_dockerfile_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine bounds no step of a Dockerfile; here it is one that never answers."""

    async def never(*_: object) -> None:
        await anyio.sleep_forever()

    monkeypatch.setattr(build, "_assembled", never)
    monkeypatch.setattr(build, "DOCKERFILE_SECONDS", 0.01)
    subject = Subject(dockerfile_service("plain"), dag.directory())
    with pytest.raises(StageFailure) as caught:
        await build_dockerfile(subject, CLEAN, dag.container())
    assert caught.value.exit_code == TIMED_OUT
    assert caught.value.output.startswith("services/plain/Dockerfile was not built within 0.01 sec")
