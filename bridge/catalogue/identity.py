"""How a terminal says who it is, and what time it has (protocol sections 4.2 and 4.6.2)."""

from __future__ import annotations

from typing import Annotated

from .fields import formatted, text
from .message import AnswerData, ReportData, report

TERMINAL_TIME = r"\d{17}"


class RegisterAnswer(AnswerData):
    """What the terminal signs its logins with from now on."""

    uuid: Annotated[str, text("the terminal's identity at this bridge", 32)]
    passwd: Annotated[str, text("the secret that its logins are signed with", 16)]


@report(
    "register",
    section="4.2.2",
    example={
        "serial": "0c16d06a45914b758ca226ef325422a3",
        "mac": "8CEC4B91040C",
        "timestamp": "1543563114",
        "sign": "4a0aa948d87b1308f5b85cc12beff51e",
        "type": "KG02",
    },
    answer=RegisterAnswer,
    answer_example={"uuid": "fde0a1d337ef4b8ab6e67af87fcfd3c", "passwd": "12345678"},
)
class Register(ReportData):
    """A terminal's first words: it asks for an identity and a secret."""

    serial: Annotated[str, text("serial number", 32)]
    mac: Annotated[str, text("MAC address, upper-case hexadecimal without separators", 12)]
    timestamp: Annotated[str, text("UNIX seconds by the terminal's clock", 16)]
    sign: Annotated[str, text("md5 of serial, mac, timestamp and the protocol's magic, in hexadecimal", 32)]
    type: Annotated[str | None, text("the terminal's model; since V2.2", 32)] = None


@report(
    "login",
    section="4.2.3",
    example={
        "uuid": "fde0a1d337ef4b8ab6e67af87fcfd3f",
        "version": "V1.0.0",
        "timestamp": "1543563114",
        "sign": "4a0aa948d87b1308f5b85cc12beff51e",
    },
)
class Login(ReportData):
    """A terminal that registered before is back."""

    uuid: Annotated[str, text("the identity it was given", 32)]
    timestamp: Annotated[str, text("UNIX seconds by the terminal's clock", 16)]
    sign: Annotated[str, text("md5 of uuid, passwd, timestamp and the protocol's magic, in hexadecimal", 32)]
    version: Annotated[str | None, text("firmware version", 64)] = None


@report("logout", section="3.2", example={})
class Logout(ReportData):
    """A clean goodbye before the terminal closes the connection."""


class SyncTimeAnswer(AnswerData):
    """The site's local civil time."""

    timestamp: Annotated[str, formatted("the site's local time, yyyyMMddHHmmssSSS", TERMINAL_TIME, "17 digits", 20)]


@report(
    "sync_time",
    section="4.6.2",
    example={"timestamp": "20190531145826123"},
    answer=SyncTimeAnswer,
    answer_example={"timestamp": "20190531145826456"},
)
class SyncTime(ReportData):
    """The terminal asks what time it is: on connecting, and every five minutes."""

    timestamp: Annotated[str | None, formatted("the terminal's local time, yyyyMMddHHmmssSSS", TERMINAL_TIME, "17 digits", 20)] = None
