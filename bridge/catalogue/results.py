"""Result codes (protocol, the table at its end)."""

from __future__ import annotations

from enum import IntEnum


class Result(IntEnum):
    """What an answer's `result` says."""

    OPERATION_FAILED = -1
    SUCCESS = 0
    REGISTER_AGAIN = 100
    OBJECT_EXISTS = 101
    NO_SUCH_OBJECT = 102
    NO_SUCH_COMMAND = 103
    BAD_PARAMETER = 104
    NO_SUCH_USER = 105
    WRONG_PASSWORD = 106
    TIMEOUT = 107
    ADDING_USER_FAILED = 108
    BUSY = 109
    NO_FACE_FEATURES = 110
    INVALID_URL = 200
    URL_UNREACHABLE = 201
    UPGRADE_DOWNLOAD_FAILED = 202
    UPGRADE_CHECK_FAILED = 203

    @property
    def words(self) -> str:
        """The code in English, for `desc`."""
        return _WORDS[self]


_WORDS = {result: result.name.replace("_", " ").capitalize() for result in Result}
_BY_CODE = {result.value: result for result in Result}


def result_name(code: int) -> str:
    """A code's name for MQTT, in snake_case; `result_<n>` for one that is not in the table."""
    known = _BY_CODE.get(code)
    return f"result_{code}" if known is None else known.name.lower()
