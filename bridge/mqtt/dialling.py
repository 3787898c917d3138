"""After a connection has ended: try again, when, with which protocol, or never. No I/O; time comes in as `now_s`."""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, Literal

from msgspec.structs import replace

from bridge.errors import BrokerRefused
from bridge.mqtt.message import Publication
from bridge.mqtt.options import Protocol

FIRST_PAUSE_S: Final = 1.0
LONGEST_PAUSE_S: Final = 60.0
GOOD_AFTER_S: Final = 10.0  # a link that was up for so long starts the back-off afresh; a broker that drops us at once does not
TAKEN_OVER_TIMES: Final = 3  # so often, within TAKEN_OVER_WITHIN_S: another client has our id and dials again too
CUT_OFF_TIMES: Final = 5  # the same for brokers that do not say why they close (mosquitto 2.0, and every one with 3.1.1)
TAKEN_OVER_WITHIN_S: Final = 60.0

UNSUPPORTED_VERSION: Final = 0x84
TAKEN_OVER: Final = 0x8E
RETAIN_NOT_SUPPORTED: Final = 0x9A
QOS_NOT_SUPPORTED: Final = 0x9B

# Client id, password, not authorised, banned, method: only the operator can change what the broker thinks of them.
CONNACK_FATAL: Final = frozenset({0x85, 0x86, 0x87, 0x8A, 0x8C})
# Failure (all that 3.1.1 can say), not authorised, filter invalid, no shared subscriptions, no wildcards: likewise.
SUBACK_FATAL: Final = frozenset({0x80, 0x87, 0x8F, 0x9E, 0xA2})


class Stage(Enum):
    """How far a connection came."""

    DIAL = auto()  # no connection, or no TLS
    CONNECT = auto()  # CONNECT was sent, CONNACK did not come or says no
    SUBSCRIBE = auto()  # CONNACK came, SUBACK did not or says no
    UP = auto()


@dataclass(frozen=True, slots=True)
class Ending:
    """How a connection, or the attempt at one, ended. `code`: the reason code of the CONNACK, SUBACK or DISCONNECT that ended it.

    `is_unexplained`: the other side closed, and neither it nor we have said why.
    """

    stage: Stage
    reason: str
    code: int | None = None
    up_s: float = 0.0
    is_unexplained: bool = False


class Dialling:
    """What is remembered from one attempt to the next."""

    def __init__(self, protocol: Literal["auto", "5", "3.1.1"], client_id: str, random: random.Random) -> None:
        self.protocol: Protocol = "3.1.1" if protocol == "3.1.1" else "5"
        self._is_auto = protocol == "auto"
        self._may_speak_5 = protocol != "3.1.1"
        self._client_id = client_id
        self._random = random
        self._pause_s = FIRST_PAUSE_S
        self._taken_over: deque[float] = deque(maxlen=TAKEN_OVER_TIMES)
        self._cut_off: deque[float] = deque(maxlen=CUT_OFF_TIMES)
        self._was_up = False
        self._will_may_retain = True
        self._will_may_have_qos = True

    def adapted(self, will: Publication) -> Publication:
        """The will as this broker takes it: one without retained messages, or without QoS 1, refuses CONNECT otherwise."""
        return replace(will, retain=will.retain and self._will_may_retain, qos=will.qos if self._will_may_have_qos else 0)

    def pause_after(self, ending: Ending, now_s: float) -> float:
        """Seconds until the next attempt. BrokerRefused when there should be none."""
        if ending.stage is Stage.UP:
            self._was_up = True
            if ending.up_s >= GOOD_AFTER_S:
                self._pause_s = FIRST_PAUSE_S
        self._look_for_a_rival(ending, now_s)
        if self._adapt(ending):
            return 0.0
        self._give_up_if_refused(ending)
        self._choose_protocol(ending)
        return 0.0 if _was_cut_off(ending) else self._next_pause_s()

    def _look_for_a_rival(self, ending: Ending, now_s: float) -> None:
        """A broker that restarts is told apart: it says that it shuts down, or, when it has crashed, is not there when it is dialled at
        once."""
        if ending.code == TAKEN_OVER:
            self._taken_over.append(now_s)
        elif _was_cut_off(ending):
            self._cut_off.append(now_s)
        else:
            self._cut_off.clear()
        if _is_full_within(self._taken_over, TAKEN_OVER_WITHIN_S):
            raise BrokerRefused(f"another client uses the client id {self._client_id!r}: is a second bridge running?", TAKEN_OVER)
        if _is_full_within(self._cut_off, TAKEN_OVER_WITHIN_S):
            raise BrokerRefused(
                f"the broker closes the connection again and again: another client uses the client id {self._client_id!r}, most likely"
                " a second bridge",
                TAKEN_OVER,
            )

    def _adapt(self, ending: Ending) -> bool:
        """Whether the refusal was about something that can be left out, and that has not been left out yet."""
        if ending.stage is not Stage.CONNECT:
            return False
        if ending.code == RETAIN_NOT_SUPPORTED and self._will_may_retain:
            self._will_may_retain = False
            return True
        if ending.code == QOS_NOT_SUPPORTED and self._will_may_have_qos:
            self._will_may_have_qos = False
            return True
        if ending.code == UNSUPPORTED_VERSION and self._is_auto and self._may_speak_5:
            self._may_speak_5, self.protocol = False, "3.1.1"
            return True
        return False

    def _give_up_if_refused(self, ending: Ending) -> None:
        """Credentials that have been good before are tried again: brokers that ask a service about them refuse all while it restarts."""
        fatal = {Stage.CONNECT: CONNACK_FATAL | {UNSUPPORTED_VERSION}, Stage.SUBSCRIBE: SUBACK_FATAL}.get(ending.stage, frozenset())
        if ending.code is not None and ending.code in fatal and not self._was_up:
            raise BrokerRefused(ending.reason, ending.code)

    def _choose_protocol(self, ending: Ending) -> None:
        """A broker without MQTT 5 may just close the connection; so may one that is starting. So the protocols take turns."""
        if not (self._is_auto and self._may_speak_5):
            return
        went_silently = ending.stage is Stage.CONNECT and ending.code is None
        self.protocol = "3.1.1" if went_silently and self.protocol == "5" else "5"

    def _next_pause_s(self) -> float:
        pause_s = self._random.uniform(0.0, self._pause_s)
        self._pause_s = min(self._pause_s * 2, LONGEST_PAUSE_S)
        return pause_s


def _was_cut_off(ending: Ending) -> bool:
    """Whether the broker, or who took our place there, closed a good connection without a word."""
    return ending.stage is Stage.UP and ending.is_unexplained


def _is_full_within(times_s: deque[float], within_s: float) -> bool:
    return len(times_s) == times_s.maxlen and times_s[-1] - times_s[0] <= within_s
