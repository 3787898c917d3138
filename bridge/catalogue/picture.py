"""Pictures on demand (protocol section 4.3.5)."""

from __future__ import annotations

from typing import Annotated

from .fields import base64_image, number
from .message import AnswerData, CommandData, Picture, command

LONGEST_SNAPSHOT_S = 300
"""The document names no upper end; nobody stands in front of a terminal for longer."""


class SnapshotPictureAnswer(AnswerData):
    """The best picture the terminal got."""

    image: Annotated[str, base64_image("a good face, or else what the camera saw")]


@command(
    "snapshot_picture",
    section="4.3.5",
    example={"timeoutSeconds": 5},
    answer=SnapshotPictureAnswer,
    answer_example={"image": "base64"},
    answer_pictures=(Picture(attribute="image", kind="snapshot"),),
)
class SnapshotPicture(CommandData):
    """Take a picture now; the answer comes when a face is good enough, or when the time is up."""

    timeout_seconds: Annotated[int, number("how long to try", 1, LONGEST_SNAPSHOT_S, unit="s")]

    def answer_wait_s(self) -> float:
        """As long as it was told to try."""
        return float(self.timeout_seconds)
