from __future__ import annotations

from twisted.logger import LogLevel, formatEvent

from bridge.catalogue import Result
from tests.relay.conftest import MakeSite
from tests.relay.site import Site, Terminal
from tests.terminal.lobby import logged


def test_everything_is_said_when_the_broker_is_there(site: Site) -> None:
    site.link.go_down()
    site.relay.start()
    site.terminal()
    site.wait(2)
    assert site.link.sent == []
    site.link_up()
    told = {each.topic: each.publication for each in site.link.sent}
    assert told["qyzn/bridge/state"].payload == b"online"
    assert {"qyzn/bridge/info", "qyzn/bridge/devices", "qyzn/SN1/availability", "qyzn/SN1/info"} <= set(told)
    assert all(each.retain for each in told.values())


def test_a_pending_terminal_is_told_of_once(make_site: MakeSite) -> None:
    site = make_site(registration={"policy": "approve"})
    with logged(LogLevel.info) as lines:
        for _ in range(3):
            Terminal(site, "SN1").register()
    assert site.news() == [("device_pending", {"id": "SN1", "mac": "8CEC4B91040C", "model": "KG02", "address": "192.0.2.7"})]
    (line,) = [formatEvent(each) for each in lines]
    assert line.startswith("terminal SN1 at 192.0.2.7 refused: unknown, with MAC 8CEC4B91040C: it waits for approval (device/approve")


def test_a_terminal_that_poses_as_another_is_told_of(site: Site, terminal: Terminal) -> None:
    assert Terminal(site, "SN1", "192.0.2.66").register().body["result"] == Result.BUSY
    ((kind, data),) = site.news()
    assert (kind, data["id"], data["address"], data["kind"]) == ("auth_failed", "SN1", "192.0.2.66", "already_connected")
    assert not terminal.is_closing()


def test_a_wrong_sign_is_told_of(site: Site, terminal: Terminal) -> None:
    other = terminal.again()
    (said,) = other.say("login", {"uuid": terminal.uuid, "timestamp": "1", "sign": "0" * 32})
    assert said.body["result"] == Result.WRONG_PASSWORD
    assert [(kind, data["kind"]) for kind, data in site.news()] == [("auth_failed", "bad_sign")]


def test_a_serial_that_cannot_be_a_topic_is_refused_and_told_of(site: Site) -> None:
    for serial in ("a/b", "bridge", "all", "x" * 65, ""):
        assert Terminal(site, serial).register().body["result"] == Result.BAD_PARAMETER
    assert {(kind, data["id"]) for kind, data in site.news()} == {("auth_failed", None)}


def test_a_fault_is_told_of_with_the_terminal_if_it_is_known(site: Site, terminal: Terminal) -> None:
    terminal.send(b"nonsense")
    stranger = Terminal(site, "SN9", "192.0.2.9")
    stranger.send(b"nonsense")
    assert [(kind, data["id"], data["address"]) for kind, data in site.news()[:2] if kind == "protocol_error"] == [
        ("protocol_error", "SN1", "192.0.2.7"),
        ("protocol_error", None, "192.0.2.9"),
    ]
    assert site.relay.presence.counted("SN1").faults == 1


def test_what_is_not_ours_is_left_alone(site: Site) -> None:
    site.publish("elsewhere/SN1/command/open_door")
    site.publish("qyzn/bridge/request")
    assert site.link.sent == []


def test_joining_and_leaving_are_a_line_each_without_secrets(site: Site) -> None:
    with logged(LogLevel.info) as lines:
        terminal = site.terminal()
        terminal.recognise(fullName="Han Meimei", idNum="430726199801042312")
        terminal.say("logout", {})
    told = [formatEvent(each) for each in lines]
    assert told == ["terminal SN1 is approved now", "terminal SN1 joined from 192.0.2.7", "terminal SN1 left: it logged out"]
    everything = repr([{name: value for name, value in each.items() if name != "log_source"} for each in lines])
    for secret in (terminal.passwd, "Han Meimei", "430726199801042312"):
        assert secret not in everything


def test_the_end_leaves_no_timer_and_answers_what_was_asked(site: Site, terminal: Terminal) -> None:
    site.relay.start()
    site.command("open_door")
    site.relay.shutting_down()
    site.factory.close_all("the bridge is being stopped")
    assert [each["code"] for each in site.responses("open_door")] == ["superseded"]
    site.relay.stop()
    site.outbox.close()
    terminal.hang_up()
    assert site.clock.getDelayedCalls() == []
