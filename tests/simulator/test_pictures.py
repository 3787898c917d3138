"""Real JPEGs, different each time, about as large as wished, fast."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from io import BytesIO
from random import Random

import pytest

from bridge.simulator.people import PEOPLE

pytest.importorskip("PIL", reason="Pillow draws the pictures")
from PIL import Image

from bridge.simulator.pictures import Camera

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
