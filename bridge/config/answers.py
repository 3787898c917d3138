"""The keys about what terminals ask: who answers, and whom to call when nobody does. A part of `values`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from msgspec import field

from bridge.config import shapes
from bridge.config.section import Key, Section, hidden
from bridge.errors import ConfigError


class Answers(Section, frozen=True, kw_only=True):
    """What terminals ask, and who answers. Each question is an event with an answer_topic; the first answer in time counts."""

    timeout_s: Annotated[
        shapes.AnswerSeconds,
        Key("How long an answer over MQTT is waited for; then the default holds. A terminal would ask again after 20 seconds."),
    ] = 3.0
    qrcode_default_open: Annotated[
        bool, Key("Whether a QR code that nobody judges in time opens the door. One that is older than events.replay_after_s never does.")
    ] = False
    recognition: Annotated[
        Literal["terminal", "ask"],
        Key("Who decides about the door after a recognition. terminal: the terminal itself. ask: whoever answers, else the terminal."),
    ] = "terminal"
    person: Annotated[
        Literal["keep", "ask"],
        Key("The ids of persons that a terminal reports at sync_person. keep: as they are. ask: whoever answers may change them."),
    ] = "keep"


class Called(Section, frozen=True, kw_only=True):
    """Somebody who is called when a flat is rung."""

    user_id: Annotated[shapes.Text | None, Key("The user's id with the call platform.", example='"1001"', mask=hidden)] = None
    token: Annotated[
        shapes.Text | None,
        Key("The user's token with the call platform; without one there is no video call.", example='"secret"', mask=hidden),
    ] = None
    phone: Annotated[shapes.Text | None, Key("A telephone number.", example='"+4312345678"', mask=hidden)] = None

    def __post_init__(self) -> None:
        """What is needed. Raises ConfigError with a path inside this table."""
        if self.user_id is None:
            raise ConfigError("user_id", "a string that is not empty", "nothing")


class Flat(Section, frozen=True, kw_only=True):
    """Whom a terminal calls when this flat is rung and nobody answers over MQTT."""

    called: Annotated[
        tuple[Called, ...],
        Key(
            "The people of the flat: user_id and, where there are, token (without one, no video call) and phone.",
            example='[{ user_id = "1001", token = "secret", phone = "+4312345678" }]',
        ),
    ] = ()
    device_token: Annotated[
        shapes.Text | None, Key("The terminal's own token with the call platform.", example='"secret"', mask=hidden)
    ] = None
    device_name: Annotated[
        shapes.Text | None, Key("What the app shows as the place of the call. Left out, it is the terminal's name.", example='"Main gate"')
    ] = None
    max_seconds: Annotated[shapes.CallSeconds, Key("How long a call may last.")] = 60

    def __post_init__(self) -> None:
        """What is needed. Raises ConfigError with a path inside this table."""
        if not self.called:
            raise ConfigError("called", "a list of people, at least one", "an empty list")


class Intercom(Section, frozen=True, kw_only=True):
    """Terminals with which visitors ring at flats."""

    flats: Annotated[
        Mapping[shapes.FlatNumber, Flat],
        Key(
            "One flat, by the number that is rung: a table like this for each. It is used when nobody answers a ring over MQTT in time;"
            " a flat that is not here does not exist then.",
            example='"304"',
        ),
    ] = field(default_factory=dict)
