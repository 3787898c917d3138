"""Draws what the camera sees: a simple face before a scene, with the time and the terminal's number. Real JPEG, different each time.

And looks at pictures of faces that the terminal is given. The only module that needs Pillow.
"""

from __future__ import annotations

import struct
import warnings
from datetime import datetime
from io import BytesIO
from random import Random

from PIL import Image, ImageDraw, ImageFont

from .people import Person

_SKIN = ("#f2d3b8", "#e0b28c", "#c68e63", "#9a6a45", "#6f4a31")
_HAIR = ("#2b211c", "#5a3a22", "#a9752f", "#8c8c8c", "#7a2f1d")
_SHIRTS = ("#3b6ea5", "#a53b3b", "#3f8f5a", "#7d5ba6", "#c08a2d")
_QUALITY = 80
_ENOUGH = (64, 64)
"""Pixels that a picture is decoded to at least: it is only to be seen whether that works."""
_SMALL_BYTES = 12_000
"""A wish below this is drawn on a smaller canvas: the large one takes about as much by itself."""
NO_FACE = b"NO-FACE"
"""Stands anywhere in a JPEG, in a comment perhaps, that is to pass for one without a face."""
_SEGMENT_BYTES = 65533
"""What a JPEG comment can hold."""


class Camera:
    """One terminal's camera. `picture_bytes` is a wish: a picture is padded to it, with comments that viewers skip, and is never cut."""

    def __init__(self, serial: str, picture_bytes: int, random: Random) -> None:
        self._serial = serial
        self._picture_bytes = picture_bytes
        self._random = random
        self._size = (320, 240) if picture_bytes >= _SMALL_BYTES else (160, 120)
        self._scene = _scene(self._size, Random(serial))
        self._font = ImageFont.load_default(max(10, self._size[1] // 16))

    def take(self, person: Person | None, moment: datetime) -> bytes:
        """A JPEG of this person, or of whoever stands there, at this moment of the terminal's clock."""
        image = self._scene.copy()
        draw = ImageDraw.Draw(image)
        looks = Random(person.person_id) if person and person.person_id else self._random
        self._draw_face(draw, looks)
        caption = f"{self._serial[-14:]}  {moment:%Y-%m-%d %H:%M:%S}.{moment.microsecond // 1000:03d}"
        draw.text((4, 2), caption, font=self._font, fill="white", stroke_width=1, stroke_fill="black")
        written = BytesIO()
        image.save(written, "JPEG", quality=_QUALITY)
        return _padded(written.getvalue(), self._picture_bytes, self._random)

    def has_face(self, jpeg: bytes) -> bool:
        """Whether somebody can be known by this picture: any that can be decoded and does not say otherwise will do."""
        return NO_FACE not in jpeg and _decodes(jpeg)

    def _draw_face(self, draw: ImageDraw.ImageDraw, looks: Random) -> None:
        width, height = self._size
        skin, hair, shirt = looks.choice(_SKIN), looks.choice(_HAIR), looks.choice(_SHIRTS)
        x = width * self._random.uniform(0.42, 0.58)
        y = height * self._random.uniform(0.46, 0.54)
        r = height * self._random.uniform(0.19, 0.23)
        draw.ellipse((x - 1.9 * r, y + 1.2 * r, x + 1.9 * r, y + 5 * r), fill=shirt)
        draw.rectangle((x - 0.4 * r, y + 0.8 * r, x + 0.4 * r, y + 1.6 * r), fill=skin)
        draw.ellipse((x - 1.05 * r, y - 1.4 * r, x + 1.05 * r, y + r), fill=hair)
        draw.ellipse((x - 0.9 * r, y - 1.05 * r, x + 0.9 * r, y + 1.2 * r), fill=skin)
        gaze = self._random.uniform(-0.06, 0.06) * r
        for side in (-0.38, 0.38):
            _dot(draw, x + side * r, y - 0.1 * r, 0.17 * r, "white")
            _dot(draw, x + side * r + gaze, y - 0.1 * r, 0.08 * r, "black")
        smile = self._random.uniform(0.1, 0.35) * r
        draw.arc((x - 0.45 * r, y + 0.5 * r - smile, x + 0.45 * r, y + 0.5 * r + smile), 15, 165, fill="#7a2b2b", width=max(2, int(r / 14)))


def _dot(draw: ImageDraw.ImageDraw, x: float, y: float, radius: float, fill: str) -> None:
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=fill)


def _scene(size: tuple[int, int], look: Random) -> Image.Image:
    """A wall, a floor and a doorway, which stay as they are: drawn once for each terminal."""
    width, height = size
    wall = tuple(look.randint(120, 200) for _ in range(3))
    scene = Image.new("RGB", size)
    draw = ImageDraw.Draw(scene)
    for y in range(height):
        light = 1.15 - 0.5 * y / height
        draw.line((0, y, width, y), fill=(_lit(wall[0], light), _lit(wall[1], light), _lit(wall[2], light)))
    draw.rectangle((0, height * 0.85, width, height), fill="#4a4640")
    left = width * look.uniform(0.02, 0.65)
    draw.rectangle((left, height * 0.2, left + width * 0.3, height * 0.85), fill="#6b5138", outline="#3a2b1d", width=3)
    _dot(draw, left + width * 0.26, height * 0.55, height * 0.015, "#d8c16a")
    return scene


def _lit(value: int, light: float) -> int:
    return min(255, int(value * light))


def _decodes(jpeg: bytes) -> bool:
    try:
        with warnings.catch_warnings(), Image.open(BytesIO(jpeg), formats=("JPEG",)) as image:
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image.draft("RGB", _ENOUGH)
            image.load()
    except (OSError, ValueError, SyntaxError, struct.error, Image.DecompressionBombError, Image.DecompressionBombWarning):
        return False
    return True


def _padded(jpeg: bytes, size: int, random: Random) -> bytes:
    """The same picture in about `size` bytes: comments go behind the first segment, where JFIF's own has to stand."""
    first_end = 4 + struct.unpack_from(">H", jpeg, 4)[0]
    comments, missing = [], size - len(jpeg)
    while missing > 4:
        length = min(missing - 4, _SEGMENT_BYTES)
        comments.append(b"\xff\xfe" + struct.pack(">H", length + 2) + random.randbytes(length))
        missing -= length + 4
    return jpeg[:first_end] + b"".join(comments) + jpeg[first_end:]
