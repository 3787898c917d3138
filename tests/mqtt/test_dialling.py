from __future__ import annotations

import random
from typing import Literal

import pytest

from bridge.errors import BrokerRefused
from bridge.mqtt.dialling import FIRST_PAUSE_S, GOOD_AFTER_S, LONGEST_PAUSE_S, TAKEN_OVER, Dialling, Ending, Stage
from bridge.mqtt.message import Publication

AWAY = Ending(Stage.DIAL, "connection refused")
SILENT = Ending(Stage.CONNECT, "closed")
WRONG_VERSION = Ending(Stage.CONNECT, "Unsupported protocol version", 0x84)
UP_FOR_LONG = Ending(Stage.UP, "lost", up_s=GOOD_AFTER_S)
UP_FOR_A_MOMENT = Ending(Stage.UP, "lost", up_s=1.0)


class Highest(random.Random):
    """Always the longest pause that may be."""

    def uniform(self, a: float, b: float) -> float:
        return b


def dialling(protocol: Literal["auto", "5", "3.1.1"] = "auto") -> Dialling:
    return Dialling(protocol, "qyzn-bridge", Highest())


def test_pauses_double_up_to_the_longest_and_start_afresh_after_a_good_link() -> None:
    tested = dialling()
    pauses = [tested.pause_after(AWAY, 0.0) for _ in range(8)]
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]
    assert tested.pause_after(UP_FOR_A_MOMENT, 0.0) == LONGEST_PAUSE_S
    assert tested.pause_after(UP_FOR_LONG, 0.0) == FIRST_PAUSE_S


def test_pauses_are_spread_from_nothing_to_the_longest() -> None:
    pauses = []
    for seed in range(200):
        tested = Dialling("auto", "qyzn-bridge", random.Random(seed))
        pauses.append(tested.pause_after(AWAY, 0.0))
    assert min(pauses) < 0.1
    assert max(pauses) > 0.9
    assert all(0 <= pause <= FIRST_PAUSE_S for pause in pauses)


def test_a_refused_version_is_remembered_and_tried_at_once() -> None:
    tested = dialling()
    spoken = [tested.protocol]
    assert tested.pause_after(WRONG_VERSION, 0.0) == 0.0
    for ending in (AWAY, SILENT, UP_FOR_LONG, SILENT):
        spoken.append(tested.protocol)
        tested.pause_after(ending, 0.0)
    assert spoken == ["5", "3.1.1", "3.1.1", "3.1.1", "3.1.1"]


def test_after_a_silent_end_the_protocols_take_turns() -> None:
    tested = dialling()
    spoken = []
    for ending in (SILENT, SILENT, SILENT, UP_FOR_LONG, AWAY):
        assert tested.pause_after(ending, 0.0) > 0
        spoken.append(tested.protocol)
    assert spoken == ["3.1.1", "5", "3.1.1", "5", "5"]


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_a_protocol_that_was_asked_for_stays(protocol: Literal["5", "3.1.1"]) -> None:
    tested = dialling(protocol)
    tested.pause_after(SILENT, 0.0)
    assert tested.protocol == protocol
    with pytest.raises(BrokerRefused, match="Unsupported protocol version"):
        tested.pause_after(WRONG_VERSION, 0.0)


@pytest.mark.parametrize("code", [0x85, 0x86, 0x87, 0x8A])
def test_refused_for_good(code: int) -> None:
    with pytest.raises(BrokerRefused, match="no entry") as caught:
        dialling().pause_after(Ending(Stage.CONNECT, "no entry", code), 0.0)
    assert caught.value.code == code


@pytest.mark.parametrize("code", [0x80, 0x88, 0x89, 0x97, 0x9F, 0x82])
def test_refused_for_now(code: int) -> None:
    tested = dialling()
    assert tested.pause_after(Ending(Stage.CONNECT, "busy", code), 0.0) == FIRST_PAUSE_S
    assert tested.protocol == "5"


@pytest.mark.parametrize("code", [0x80, 0x87, 0x8F, 0xA2])
def test_a_refused_subscription_is_for_good(code: int) -> None:
    with pytest.raises(BrokerRefused):
        dialling().pause_after(Ending(Stage.SUBSCRIBE, "not authorised", code), 0.0)


def test_a_subscription_beyond_a_quota_is_tried_again() -> None:
    assert dialling().pause_after(Ending(Stage.SUBSCRIBE, "quota", 0x97), 0.0) == FIRST_PAUSE_S


def test_credentials_that_were_good_once_are_tried_again() -> None:
    tested = dialling()
    tested.pause_after(UP_FOR_A_MOMENT, 0.0)
    assert tested.pause_after(Ending(Stage.CONNECT, "not authorised", 0x87), 1.0) > 0


def test_a_rival_with_the_same_client_id_is_told_apart_from_a_restart() -> None:
    taken_over = Ending(Stage.UP, "taken over", TAKEN_OVER, up_s=5.0)
    tested = dialling()
    for now_s in (0.0, 40.0, 80.0, 120.0):
        tested.pause_after(taken_over, now_s)
    with pytest.raises(BrokerRefused, match="another client uses the client id 'qyzn-bridge'"):
        tested.pause_after(taken_over, 130.0)


def test_a_rival_at_a_broker_that_does_not_say_why_it_closes() -> None:
    cut_off = Ending(Stage.UP, "closed", up_s=2.0, is_unexplained=True)
    tested = dialling()
    for now_s in (0.0, 5.0, 10.0, 15.0):
        tested.pause_after(cut_off, now_s)
    tested.pause_after(AWAY, 16.0)  # a broker that restarts
    for now_s in (20.0, 25.0, 30.0, 35.0):
        tested.pause_after(cut_off, now_s)
    with pytest.raises(BrokerRefused, match="again and again: another client uses the client id 'qyzn-bridge'"):
        tested.pause_after(cut_off, 40.0)


def test_a_broker_that_crashes_again_and_again_is_no_rival() -> None:
    """It is dialled at once: one that has died is not there, and one that has let somebody else in is."""
    cut_off = Ending(Stage.UP, "closed", up_s=2.0, is_unexplained=True)
    tested = dialling()
    for now_s in range(0, 60, 3):
        assert tested.pause_after(cut_off, float(now_s)) == 0.0
        assert tested.pause_after(AWAY, float(now_s)) > 0.0


def test_a_broker_that_closes_now_and_then_is_no_rival() -> None:
    cut_off = Ending(Stage.UP, "closed", up_s=20.0, is_unexplained=True)
    tested = dialling()
    for now_s in range(0, 600, 20):
        tested.pause_after(cut_off, float(now_s))


def test_the_will_goes_without_what_the_broker_does_not_support() -> None:
    tested = dialling()
    will = Publication("state", b"offline", qos=1, retain=True)
    assert tested.adapted(will) == will
    no_retain, no_qos = Ending(Stage.CONNECT, "no", 0x9A), Ending(Stage.CONNECT, "no", 0x9B)
    assert tested.pause_after(no_retain, 0.0) == 0.0
    assert tested.adapted(will) == Publication("state", b"offline", qos=1, retain=False)
    assert tested.pause_after(no_qos, 0.0) == 0.0
    assert tested.adapted(will) == Publication("state", b"offline", qos=0, retain=False)
    assert tested.pause_after(no_retain, 0.0) == FIRST_PAUSE_S
