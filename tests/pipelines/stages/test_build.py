"""Building: what the packer says becomes an image."""

from pipelines.stages.build import parse_image
from tests.pipelines.examples import service


def test_the_packers_words_become_an_image() -> None:
    image = parse_image(service(), '{"digest": "sha256:aa", "unpacked": 3, "compressed": 2}')
    assert (image.service, image.digest) == ("shop", "sha256:aa")
    assert (image.unpacked, image.compressed) == (3, 2)
    assert image.reference("localhost:5000/b") == "localhost:5000/b@sha256:aa"
