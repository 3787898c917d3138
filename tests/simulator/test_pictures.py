"""Real JPEGs, different each time, about as large as wished, fast."""

from __future__ import annotations

import base64
import time
from datetime import UTC, datetime
from io import BytesIO
from random import Random

import pytest

from bridge.catalogue.jpeg import EXAMPLE_JPEG
from bridge.simulator.people import PEOPLE

pytest.importorskip("PIL", reason="Pillow draws the pictures")
from PIL import Image

from bridge.simulator.pictures import NO_FACE, Camera

MOMENT = datetime(2024, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)


def decoded(jpeg: bytes) -> Image.Image:
    image = Image.open(BytesIO(jpeg))
    assert image.format == "JPEG"
    image.load()
    return image


@pytest.mark.parametrize("wish", [0, 3000, 11_999, 12_000, 20_000, 65_600, 200_000, 1_000_000])
def test_pictures_decode_and_have_about_the_wished_size(wish: int) -> None:
    jpeg = Camera("DEMO0001", wish, Random(1)).take(PEOPLE[0], MOMENT)
    image = decoded(jpeg)
    assert image.size in {(320, 240), (160, 120)}
    assert max(wish, 1000) - 8 <= len(jpeg) <= max(wish, 6000)


def test_each_is_different_and_so_is_what_it_shows() -> None:
    camera = Camera("DEMO0001", 8000, Random(1))
    pictures = [decoded(camera.take(person, MOMENT)).tobytes() for person in (PEOPLE[0], PEOPLE[0], PEOPLE[1], None, PEOPLE[-1])]
    assert len(set(pictures)) == len(pictures)


def test_the_caption_tells_time_and_terminal() -> None:
    """Without chance, only what the caption says can differ."""

    def top(serial: str, moment: datetime) -> bytes:
        camera = Camera(serial, 8000, Random(1))
        return decoded(camera.take(PEOPLE[0], moment)).crop((0, 0, 320, 18)).tobytes()

    assert top("DEMO0001", MOMENT) == top("DEMO0001", MOMENT)
    assert top("DEMO0001", MOMENT) != top("DEMO0001", MOMENT.replace(second=6))
    assert top("DEMO0001", MOMENT) != top("DEMO0002", MOMENT)


def test_the_same_seed_draws_the_same() -> None:
    assert Camera("DEMO0001", 20_000, Random(5)).take(PEOPLE[0], MOMENT) == Camera("DEMO0001", 20_000, Random(5)).take(PEOPLE[0], MOMENT)


def test_drawing_is_fast() -> None:
    camera = Camera("DEMO0001", 20_000, Random(1))
    camera.take(None, MOMENT)
    start = time.process_time()
    for _ in range(20):
        camera.take(PEOPLE[0], MOMENT)
    assert (time.process_time() - start) / 20 < 0.010


def test_any_picture_that_decodes_shows_a_face_unless_it_says_otherwise() -> None:
    camera = Camera("DEMO0001", 20_000, Random(1))
    jpeg = camera.take(PEOPLE[0], MOMENT)
    assert camera.has_face(jpeg)
    assert camera.has_face(Camera("DEMO0001", 0, Random(1)).take(None, MOMENT))
    assert not camera.has_face(jpeg[:20] + b"NO-FACE" + jpeg[20:])
    assert not camera.has_face(jpeg + NO_FACE), "behind the picture as well"


def _png() -> bytes:
    written = BytesIO()
    Image.new("RGB", (64, 64)).save(written, "PNG")
    return written.getvalue()


def _huge() -> bytes:
    """The head of a picture of four thousand million pixels."""
    written = BytesIO()
    Image.new("L", (8, 8)).save(written, "JPEG")
    jpeg = bytearray(written.getvalue())
    frame = jpeg.index(b"\xff\xc0")
    jpeg[frame + 5 : frame + 9] = b"\xff\xff\xff\xff"
    return bytes(jpeg)


def _cut() -> bytes:
    return Camera("DEMO0001", 0, Random(1)).take(None, MOMENT)[:2000]


@pytest.mark.parametrize(
    "picture",
    [b"", _cut(), b"\xff\xd8\xff", base64.b64decode(EXAMPLE_JPEG)[:-40], b"\xff\xd8\xff" + bytes(500), _png(), _huge()],
    ids=range(7),
)
def test_what_cannot_be_decoded_shows_none(picture: bytes) -> None:
    assert not Camera("DEMO0001", 0, Random(1)).has_face(picture)
