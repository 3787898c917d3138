from __future__ import annotations

from typing import Any

import pytest

from bridge.relay.config_reading import JITTER_S, MOST_AT_ONCE, MOST_SILENCES, READ_S, groups_in
from bridge.session.happenings import Answered, Failed
from tests.relay.config_site import ALL, LEDS, PUSH, VOLUME, Site, Terminal
from tests.terminal.lobby import logged


def asked_groups(terminal: Terminal) -> list[Any]:
    return [each.data["groupKey"] for each in terminal.asked]


def test_all_groups_in_one_request_after_the_login() -> None:
    site, terminal = Site(), Terminal()
    site.live["HG1"] = terminal
    site.reading.joined(terminal)  # type: ignore[arg-type]
    assert terminal.asked == [], "it may have more to say of itself first"
    site.clock.advance(JITTER_S)
    assert asked_groups(terminal) == [ALL]
    assert (terminal.asked[0].message, terminal.asked[0].timeout_s) == ("get_configs", READ_S)


def test_what_comes_is_retained_without_its_secrets() -> None:
    site = Site()
    terminal = site.join()
    terminal.next().says([VOLUME, LEDS | {"newInV9": [1]}, PUSH])
    assert site.config("audioctl") == {"level": 7}
    assert site.config("ledctl") == {"mode": 2, "closeScreen": 1, "newInV9": [1]}, "with what the catalogue does not know"
    assert site.config("HttpPush")["appSecret"] == "***"
    assert not site.has_published(b"open sesame")
    values = site.configuration.values("HG1", "HttpPush")
    assert values is not None
    assert values["appSecret"] == "open sesame"


def test_a_group_that_is_absent_is_asked_for_alone_and_then_known_to_be_lacking() -> None:
    site = Site()
    terminal = site.join()
    terminal.next().says([{"groupKey": name} for name in ALL if name not in ("audioctl", "ledctl", "serial")])
    assert asked_groups(terminal) == [["ledctl"]], "one after the other"
    terminal.next().says(result=103)
    terminal.next().says([])
    terminal.next().says(VOLUME)
    assert terminal.asked == []
    assert site.config("audioctl") == {"level": 7}
    assert site.configuration.lacking("HG1") == {"ledctl", "serial"}


def test_a_terminal_that_refuses_the_whole_is_asked_group_by_group() -> None:
    site = Site()
    terminal = site.join()
    terminal.next().says(result=103)
    for name in ALL:
        asked = terminal.next()
        assert asked.data == {"groupKey": [name]}
        if name == "audioctl":
            asked.says([VOLUME])
        else:
            asked.says(result=103)
    assert terminal.asked == []
    assert site.configuration.lacking("HG1") == set(ALL) - {"audioctl"}
    assert list(site.kept()) == ["qyzn/HG1/config/audioctl"]


def test_what_is_lacking_is_not_asked_for_again_until_the_firmware_changes() -> None:
    site = Site()
    site.join_and_tell(VOLUME)
    again = site.join(Terminal())
    assert asked_groups(again) == [["audioctl"]]
    newer = site.join(Terminal(firmware="V2"))
    assert asked_groups(newer) == [ALL]


def test_a_terminal_that_lacks_everything_is_not_asked_again() -> None:
    site = Site()
    site.join_and_tell()
    assert site.configuration.lacking("HG1") == set(ALL)
    assert site.join(Terminal()).asked == []


def test_a_group_it_is_silent_about_is_lacking_if_it_answers_otherwise() -> None:
    site = Site()
    terminal = site.join()
    terminal.next().says([{"groupKey": name} for name in ALL if name != "audioctl"])
    terminal.next().fails()
    assert asked_groups(terminal) == [["version"]], "is it still there?"
    assert site.configuration.lacking("HG1") == set()
    terminal.next().says([{"groupKey": "version"}])
    assert site.configuration.lacking("HG1") == {"audioctl"}


def test_silences_that_are_not_in_a_row() -> None:
    site = Site()
    terminal = site.join()
    terminal.next().says(result=103)
    for number, name in enumerate(ALL):
        assert asked_groups(terminal) == [[name]]
        if number % 2:
            terminal.next().fails()
        else:
            terminal.next().says([{"groupKey": name}])
    assert asked_groups(terminal) == [["version"]]
    terminal.next().says(result=103)
    assert len(ALL[1::2]) > MOST_SILENCES
    assert site.configuration.lacking("HG1") == set(ALL[1::2])


def test_whether_it_is_there_is_not_asked_with_what_it_is_silent_about() -> None:
    site = Site()
    terminal = site.join()
    terminal.next().says([{"groupKey": name} for name in ALL if name != "version"])
    terminal.next().fails()
    assert asked_groups(terminal) == [["netinfo"]]


@pytest.mark.parametrize(("result", "lacks"), [(-1, False), (107, False), (102, True), (103, True), (104, True), (0, True)])
def test_the_answers_that_say_that_there_is_no_such_group(result: int, lacks: bool) -> None:
    site = Site()
    terminal = site.join()
    terminal.next().says([{"groupKey": name} for name in ALL if name != "audioctl"])
    terminal.next().says(result=result)
    assert terminal.asked == []
    assert ("audioctl" in site.configuration.lacking("HG1")) == lacks


def test_a_terminal_that_fell_silent_lacks_nothing() -> None:
    site = Site()
    terminal = site.join()
    terminal.next().says([{"groupKey": name} for name in ALL if name != "audioctl"])
    terminal.next().fails()
    terminal.next().fails()
    assert site.configuration.lacking("HG1") == set()


def test_a_silent_terminal_is_left_in_peace_after_a_few_groups() -> None:
    site = Site()
    terminal = site.join()
    for _ in range(1 + MOST_SILENCES + 1):  # the whole, a few groups, and whether it is there at all
        terminal.next().fails()
    assert terminal.asked == []
    assert asked_groups(site.join(Terminal())) == [ALL], "it is tried again at its next login"


@pytest.mark.parametrize("code", ["superseded", "busy"])
def test_a_terminal_that_is_gone_or_busy_is_asked_no_more(code: Any) -> None:
    site = Site()
    terminal = site.join()
    terminal.next().fails(code)
    assert terminal.asked == []
    terminal = site.join(Terminal())
    terminal.next().says(result=103)
    terminal.next().fails()
    terminal.next().fails(code)
    assert terminal.asked == []
    assert site.configuration.lacking("HG1") == set()


def test_values_known_are_not_thrown_away_for_a_silence() -> None:
    site = Site()
    site.join_and_tell(VOLUME, LEDS)
    terminal = site.join(Terminal())
    terminal.next().says([LEDS])
    terminal.next().fails()
    terminal.next().says([])
    assert site.config("audioctl") == {"level": 7}
    assert "audioctl" not in site.configuration.lacking("HG1")


def test_a_group_that_a_new_firmware_lacks_is_cleared() -> None:
    site = Site()
    site.join_and_tell(VOLUME, LEDS)
    terminal = site.join(Terminal(firmware="V2"))
    terminal.next().says([LEDS])
    while terminal.asked:
        terminal.next().says(result=103)
    assert site.config("audioctl") is None
    assert site.configuration.values("HG1", "audioctl") is None


def test_those_that_log_in_together_are_not_read_in_the_same_moment() -> None:
    site = Site()
    terminals = [Terminal(f"SN{number}") for number in range(MOST_AT_ONCE // 2)]
    for terminal in terminals:
        site.live[terminal.serial] = terminal
        site.reading.joined(terminal)  # type: ignore[arg-type]
    site.clock.advance(JITTER_S / 2)
    assert 0 < sum(len(each.asked) for each in terminals) < len(terminals)


def test_thousands_that_log_in_together_are_read_a_few_at_a_time() -> None:
    site = Site()
    terminals = [Terminal(f"SN{number}") for number in range(2_000)]
    for terminal in terminals:
        site.live[terminal.serial] = terminal
        site.reading.joined(terminal)  # type: ignore[arg-type]
    site.clock.advance(JITTER_S)
    under_way = [each for each in terminals if each.asked]
    assert len(under_way) == MOST_AT_ONCE
    whole = [{"groupKey": name} for name in ALL]
    under_way[0].next().says(whole)
    assert sum(len(each.asked) for each in terminals) == MOST_AT_ONCE
    rounds = 0
    while under_way := [each for each in terminals if each.asked]:
        assert len(under_way) <= MOST_AT_ONCE
        for each in under_way:
            each.next().says(whole)
        rounds += 1
    assert all(site.board.read(f"qyzn/{each.serial}/config/version") == b"{}" for each in terminals)
    assert rounds == pytest.approx(2_000 / MOST_AT_ONCE, abs=1)


def test_thousands_that_are_gone_before_their_turn() -> None:
    site = Site()
    terminals = [Terminal(f"SN{number}") for number in range(3_000)]
    for terminal in terminals:
        site.live[terminal.serial] = terminal
        site.reading.joined(terminal)  # type: ignore[arg-type]
    site.clock.advance(JITTER_S)
    under_way = [each for each in terminals if each.asked]
    site.live.clear()
    for terminal in terminals:
        site.reading.left(terminal.serial)
    with logged() as events:
        for terminal in under_way:
            terminal.next().fails("superseded")
    assert not any(each.asked for each in terminals)
    assert events == []


def test_a_terminal_that_left_before_its_moment_leaves_no_timer() -> None:
    site, terminal = Site(), Terminal()
    site.reading.joined(terminal)  # type: ignore[arg-type]
    site.reading.left("HG1")
    assert site.clock.getDelayedCalls() == []


def test_stopping_leaves_no_timer() -> None:
    site = Site()
    for serial in ("HG1", "HG2"):
        site.reading.joined(Terminal(serial))  # type: ignore[arg-type]
    site.reading.stop()
    assert site.clock.getDelayedCalls() == []


def test_a_login_after_a_register_is_one_reading() -> None:
    site, terminal = Site(), Terminal(firmware="")
    site.live["HG1"] = terminal
    site.reading.joined(terminal)  # type: ignore[arg-type]
    terminal.firmware = "V1"
    site.reading.updated(terminal)  # type: ignore[arg-type]
    site.clock.advance(JITTER_S)
    terminal.next().says([{"groupKey": name} for name in ALL])
    site.reading.updated(terminal)  # type: ignore[arg-type]
    site.clock.advance(JITTER_S)
    assert terminal.asked == []


def test_a_terminal_that_turns_out_to_run_another_firmware_is_read_again() -> None:
    site = Site()
    terminal = site.join_and_tell(VOLUME)
    terminal.firmware = "V2"
    site.reading.updated(terminal)  # type: ignore[arg-type]
    site.clock.advance(JITTER_S)
    assert asked_groups(terminal) == [ALL]


def test_nobody_is_read_while_the_broker_is_behind() -> None:
    site = Site()
    site.link.congested = True
    terminal = site.join()
    assert terminal.asked == []
    site.link.drain()
    assert asked_groups(terminal) == [ALL]


def test_a_removed_terminal_leaves_nothing() -> None:
    site = Site()
    site.join_and_tell(VOLUME, LEDS)
    assert site.kept()
    site.configuration.removed("HG1")
    assert site.kept() == {}
    assert site.configuration.values("HG1", "audioctl") is None
    assert asked_groups(site.join(Terminal())) == [ALL]


def test_everything_is_published_again_when_the_broker_is_back() -> None:
    site = Site()
    site.link.is_up = False
    site.join_and_tell(VOLUME)
    assert site.link.sent == []
    site.link.is_up = True
    site.board.link_up()
    assert site.config("audioctl") == {"level": 7}


@pytest.mark.parametrize(
    "data",
    [
        [VOLUME],
        VOLUME,
        {"level": "7"},
        [{"groupKey": "audioctl ", "level": 7}],
        [{"groupKey": ["audioctl"], "level": 7}],
        [None, 3, {"groupKey": "unheard_of"}, VOLUME],
    ],
)
def test_the_ways_in_which_a_group_comes(data: Any) -> None:
    assert groups_in(Answered(1, 1, 0.0, 0, "", data), ["audioctl"]) == {"audioctl": {"level": 7}}


@pytest.mark.parametrize(
    "outcome",
    [
        Answered(1, 1, 0.0, 103, "", [VOLUME]),
        Answered(1, 1, 0.0, 0, "", {}),
        Answered(1, 1, 0.0, 0, "", [{"level": 7}, {"level": 8}]),
        Failed(1, 1, 0.0, "timeout"),
    ],
)
def test_what_is_no_group(outcome: Any) -> None:
    assert groups_in(outcome, ["audioctl"]) == {}


def test_one_that_was_gone_for_a_moment_is_read_once() -> None:
    site, terminal = Site(), Terminal()
    site.live["HG1"] = terminal
    for _ in range(3):
        site.reading.joined(terminal)  # type: ignore[arg-type]
        site.clock.advance(JITTER_S / 100)
        site.reading.left("HG1")
    site.reading.joined(terminal)  # type: ignore[arg-type]
    site.clock.pump([JITTER_S / 10] * 20)
    assert asked_groups(terminal) == [ALL]
    terminal.next().says([{"groupKey": name} for name in ALL])
    assert site.clock.getDelayedCalls() == []
