"""The time that the site tells its terminals, and how far theirs is from it."""

from __future__ import annotations

from dataclasses import astuple
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bridge.session.terminal_clock import TerminalClock
from tests.session.conversation import FACE, Conversation, Site


@pytest.fixture
def talk() -> Conversation:
    return Conversation().identify()


def known_of(talk: Conversation) -> TerminalClock:
    """What a record that comes now is judged by."""
    talk.say("snapshot_face", FACE)
    clock = talk.received().clock
    assert clock is not None
    return clock


def pass_time(talk: Conversation, seconds: float) -> None:
    """On both clocks."""
    talk.site.wall += seconds
    talk.now += seconds


@pytest.mark.parametrize(
    ("zone", "wall", "text"),
    [
        ("Asia/Shanghai", 1_564_535_879.5, "20190731091759500"),
        ("UTC", 1_564_535_879.5, "20190731011759500"),
        ("Europe/Berlin", 1_720_000_000.0, "20240703114640000"),  # summer time
        ("Europe/Berlin", 1_704_067_199.999, "20240101005959999"),
        ("Asia/Kathmandu", 0.0, "19700101053000000"),
        ("Europe/Berlin", 1_729_990_800.0, "20241027020000000"),  # 02:00 for the second time
    ],
)
@pytest.mark.parametrize("known", [False, True])
def test_the_time_is_the_sites(zone: str, wall: float, text: str, known: bool) -> None:
    talk = Conversation(Site(zone=ZoneInfo(zone), wall=wall))
    if known:
        talk.identify()
    (answer,) = talk.say("sync_time", {"timestamp": "20190531145826123"}, sequence=3)
    assert (answer.sequence, answer.result, answer.body["data"]) == (3, 0, {"timestamp": text})


@pytest.mark.parametrize(
    ("theirs", "skew"),
    [
        ("20190731091759500", 0.0),
        ("20190731091829500", 30.0),
        ("20190731091659500", -60.0),
        ("20180731091759500", -365 * 86400.0),
        (20190731091829500, 30.0),
        ("rubbish", None),
        ("", None),
        (None, None),
        ({"a": 1}, None),
        ("00000000000000000", None),
    ],
)
def test_how_far_the_terminals_clock_is_ahead(talk: Conversation, theirs: Any, skew: float | None) -> None:
    talk.say("sync_time", {"timestamp": theirs})
    talk.say("snapshot_face", FACE)
    clock = talk.received().clock
    assert (clock and astuple(clock)) == (None if skew is None else pytest.approx((talk.site.wall, skew, 0.0)))


def test_an_unreadable_time_leaves_the_skew_as_it_was(talk: Conversation) -> None:
    talk.say("sync_time", {"timestamp": "20190731091829500"})
    talk.say("sync_time", {"timestamp": "soon"})
    assert known_of(talk).was_ahead_s == pytest.approx(30.0)


@pytest.mark.parametrize(
    ("wall", "theirs"),
    [
        (1_729_990_800.0 - 3600, "20241027020000000"),  # 02:00 in summer time
        (1_729_990_800.0, "20241027020000000"),  # and again, an hour later
        (1_711_846_800.0, "20240331030000000"),  # the hour before is left out
    ],
)
def test_skew_when_the_clocks_change(wall: float, theirs: str) -> None:
    """A terminal keeps civil time: one that shows what the site's clock shows is right, whichever hour it is."""
    talk = Conversation(Site(zone=ZoneInfo("Europe/Berlin"), wall=wall))
    talk.identify()
    talk.say("sync_time", {"timestamp": theirs})
    assert known_of(talk).was_ahead_s == 0.0
    assert datetime.fromtimestamp(wall, ZoneInfo("Europe/Berlin")).strftime("%H") == theirs[8:10]


def test_the_time_asked_for_again_is_told_anew(talk: Conversation) -> None:
    (first,) = talk.say("sync_time", {"timestamp": "20190731091759500"}, sequence=3)
    talk.site.wall += 20
    (again,) = talk.say("sync_time", {"timestamp": "20190731091759500"}, sequence=3)
    assert (first.body["data"]["timestamp"], again.body["data"]["timestamp"]) == ("20190731091759500", "20190731091819500")


def test_a_terminal_that_shows_the_same_wrong_time_again_does_not_set_its_clock(talk: Conversation) -> None:
    talk.say("sync_time", {"timestamp": "20190731081759500"})
    assert known_of(talk).is_ahead_s == 0.0
    pass_time(talk, 300)
    talk.say("sync_time", {"timestamp": "20190731082259500"})
    assert known_of(talk).is_ahead_s == pytest.approx(-3600.0)
    pass_time(talk, 300)
    talk.say("sync_time", {"timestamp": "20190731092759500"})
    assert known_of(talk).is_ahead_s == 0.0, "now it has"


def test_a_step_of_the_bridges_own_clock_is_not_the_terminals(talk: Conversation) -> None:
    """The terminal still goes by what it was told."""
    synced_at = talk.site.wall
    talk.say("sync_time", {"timestamp": "20190731091829500"})
    pass_time(talk, 60)
    talk.site.wall += 3600
    assert astuple(known_of(talk)) == pytest.approx((synced_at + 3600, 30 - 3600, -3600))
