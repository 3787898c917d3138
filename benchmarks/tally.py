"""The bytes that the broker was sent, against those that are known of: a picture too few or too many shows, though nobody subscribes to them all."""

from __future__ import annotations


class Tally:
    """Of one run of the broker, until `broker_stopped`. `expects` is told of pictures in all; nothing else has to be told beforehand."""

    def __init__(self) -> None:
        self._told = 0
        """By the broker, of everything that was published to it. It says so each second."""
        self._seen = 0
        """Of all but pictures."""
        self._pictures_before = 0

    def broker_told(self, published_bytes: int) -> None:
        """Since it was started."""
        self._told = published_bytes

    def was_seen(self, payload: bytes) -> None:
        """Published, and no picture."""
        self._seen += len(payload)

    def broker_stopped(self, pictures_bytes: int) -> None:
        """It begins anew. So many bytes of pictures were answered until now."""
        self._told = self._seen = 0
        self._pictures_before = pictures_bytes

    def surplus_bytes(self, pictures_bytes: int) -> int:
        """How much more the broker was sent than was seen, and answered in pictures; less than nothing where pictures are lacking. It is right when
        all is at rest, but for what the load itself published and for a last will, which are small."""
        return self._told - self._seen - (pictures_bytes - self._pictures_before)
