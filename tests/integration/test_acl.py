"""The sample ACL in etc/, in a real mosquitto: each role can do what it is for, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from tests.integration.bridge_process import ROOT, Bridge
from tests.integration.broker import Broker, BrokerSettings, StartMosquitto
from tests.integration.conftest import ConnectTerminal, StartBridge, Watch
from tests.integration.mqtt_watcher import MqttWatcher
from tests.integration.raw_terminal import JPEG, RawTerminal, recognition

pytestmark = pytest.mark.integration

ACL = ROOT / "etc" / "mosquitto.acl"
PASSWORD = "correct-horse"
BRIDGE, HOME_ASSISTANT = "qyzn-bridge", "homeassistant"
ROLES = (BRIDGE, HOME_ASSISTANT, "viewer", "doorman", "responder", "node-red", "administrator")
NOBODY = "stranger"  # has a password, and no role

PLACES = {"base": "qyzn", "device": "T0001", "message": "card_swiped", "person": "1001", "face": "f7"}
OTHERS = (
    "qyzn/all/command/open_door",
    "qyzn/all/command/delete_person",
    "qyzn/all/command/device_restart",
    "qyzn/all/config/audioctl/set",
    "qyzn/T0001/response/open_door/me",
    "qyzn/T0001/response/get_configs/me",
    "homeassistant/status",
    "homeassistant/device/qyzn_T0001/config",
    "homeassistant/light/lamp/config",
    "somebody/elses",
    "qyzn",
)
"""Topics that stand in no list of the bridge's, or are not its own."""

MAY_PUBLISH: dict[str, tuple[str, ...]] = {
    # the bridge's: what the reference says, see below
    HOME_ASSISTANT: (
        "qyzn/T0001/command/open_door",
        "qyzn/T0001/command/snapshot_picture",
        "qyzn/T0001/command/device_restart",
        "qyzn/T0001/config/*/set",
        "qyzn/all/config/audioctl/set",
        "qyzn/bridge/request/permit_join",
        "homeassistant/*",
    ),
    "viewer": (),
    "doorman": ("qyzn/T0001/command/open_door",),
    "responder": ("qyzn/T0001/answer/*",),
    "node-red": ("qyzn/T0001/command/open_door", "qyzn/T0001/answer/qrcode", "qyzn/T0001/answer/call"),
    # the administrator's: all that the bridge is asked
    NOBODY: (),
}
MAY_READ: dict[str, tuple[str, ...]] = {
    HOME_ASSISTANT: (
        "qyzn/bridge/[sidhe]*",
        "qyzn/bridge/response/permit_join",
        "qyzn/T0001/availability",
        "qyzn/T0001/info",
        "qyzn/T0001/config/*[!/]",
        "qyzn/T0001/event/*",
        "qyzn/T0001/image/*",
        "qyzn/T0001/response/open_door",
        "qyzn/T0001/response/open_door/me",
        "qyzn/T0001/response/snapshot_picture",
        "qyzn/T0001/response/config_system",
        "homeassistant/*",
    ),
    "viewer": ("qyzn/bridge/state", "qyzn/T0001/availability", "qyzn/T0001/event/*", "qyzn/T0001/event_replay/*", "qyzn/T0001/image/*"),
    "doorman": ("qyzn/T0001/response/open_door", "qyzn/T0001/response/open_door/me"),
    "responder": ("qyzn/T0001/event/qrcode", "qyzn/T0001/event/call"),
    "node-red": (
        "qyzn/T0001/event/qrcode",
        "qyzn/T0001/event/call",
        "qyzn/T0001/event/recognition",
        "qyzn/T0001/event_replay/recognition",
        "qyzn/T0001/response/open_door",
    ),
    "administrator": ("qyzn", "qyzn/*"),
    NOBODY: (),
}


def topics_of(action: str) -> set[str]:
    """All topics on which the bridge sends, or receives, as its AsyncAPI document says."""
    document = json.loads((ROOT / "docs" / "asyncapi.json").read_text())
    names = [name.partition(".")[2] for name, each in document["operations"].items() if each["action"] == action]
    return {document["channels"][name]["address"].format(**PLACES) for name in names}


SENT, RECEIVED = topics_of("send"), topics_of("receive")
TOPICS = sorted({*SENT, *RECEIVED, *OTHERS})


def expected(patterns: tuple[str, ...]) -> set[str]:
    return {topic for topic in TOPICS if any(fnmatchcase(topic, pattern) for pattern in patterns)}


def may_publish(role: str) -> set[str]:
    if role == BRIDGE:
        own = {"homeassistant/device/qyzn_T0001/config", "qyzn/T0001/response/open_door/me", "qyzn/T0001/response/get_configs/me"}
        return SENT | own
    if role == "administrator":
        return RECEIVED | expected(("qyzn/all/*",))
    return expected(MAY_PUBLISH[role])


def may_read(role: str) -> set[str]:
    if role == BRIDGE:
        return RECEIVED | expected(("qyzn/all/*", "qyzn/bridge/checkpoint", "homeassistant/status", "homeassistant/device/*"))
    return expected(MAY_READ[role]) - (RECEIVED if role == HOME_ASSISTANT else set())


@pytest.fixture
def guarded(start_mosquitto: StartMosquitto) -> Broker:
    """A broker with that very file, for every role."""
    return start_guarded(start_mosquitto, ACL)


def start_guarded(start_mosquitto: StartMosquitto, acl: Path) -> Broker:
    users = dict.fromkeys((*ROLES, NOBODY), PASSWORD)
    return start_mosquitto(BrokerSettings(users=users, general_lines=["log_type all", "per_listener_settings false", f"acl_file {acl}"]))


@pytest.fixture
def log_in(guarded: Broker, watch: Watch) -> Callable[..., MqttWatcher]:
    """Connect as a role, subscribed to everything."""
    return lambda role, **more: watch(guarded.port, user=(role, PASSWORD), **more)


def test_every_role_is_in_the_file_and_is_explained() -> None:
    lines = ACL.read_text().splitlines()
    users = [line.removeprefix("user ") for line in lines if line.startswith("user ")]
    assert users == list(ROLES)
    assert all(lines[lines.index(f"user {user}") - 1].startswith("#") for user in users)


@pytest.mark.parametrize("role", [*ROLES, NOBODY])
def test_a_role_publishes_what_it_may_and_nothing_else(log_in: Callable[..., MqttWatcher], role: str) -> None:
    client = log_in(role)
    let = {topic for topic in TOPICS if client.publish(topic, b"x")}
    assert let == may_publish(role)


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_roles_read_what_they_may_and_nothing_else(guarded: Broker, watch: Watch, protocol: str) -> None:
    """Everything is published by whoever may; each role sees its part of it, whatever it subscribed to."""
    readers = {role: watch(guarded.port, protocol, user=(role, PASSWORD), topics=("#", "qyzn/#")) for role in (*ROLES, NOBODY)}
    publishers = {role: watch(guarded.port, user=(role, PASSWORD), topics=("none",)) for role in (BRIDGE, HOME_ASSISTANT, "administrator")}
    by = {topic: role for role in publishers for topic in may_publish(role)}
    for topic, role in by.items():
        assert publishers[role].publish(topic, topic)
    assert sorted(set(TOPICS) - set(by)) == ["qyzn", "somebody/elses"], "the rest, nobody may publish"
    for role, reader in readers.items():
        wanted = may_read(role) & set(by)
        reader.wait(lambda: wanted <= {each.topic for each in reader.messages}, f"all that {role} may read")  # noqa: B023 - used at once
        assert {each.topic for each in reader.messages} == wanted, role


def test_nobody_is_let_in_without_a_password(guarded: Broker, watch: Watch) -> None:
    with pytest.raises(PermissionError, match="Not authorized"):
        watch(guarded.port)
    with pytest.raises(PermissionError, match="Not authorized"):
        watch(guarded.port, user=("doorman", "guessed"))


def as_bridge(start_bridge: StartBridge, broker: Broker, toml: str = "[mqtt]\n") -> Bridge:
    return start_bridge(broker.url, toml=toml + f'username = "{BRIDGE}"\n', environment={"QYZN_BRIDGE_MQTT_PASSWORD": PASSWORD})


Roles = dict[str, MqttWatcher]


def report(terminal: RawTerminal, roles: Roles) -> None:
    """All that a terminal tells; a question of it is answered."""
    viewer, responder = roles["viewer"], roles["responder"]
    assert terminal.ask("snapshot_face", recognition())["result"] == 0
    assert terminal.ask("snapshot_face", recognition(snaptime="2020-01-01 08:00:00"))["result"] == 0
    assert terminal.ask("beep", {"x": 1})["result"] == 0
    question = terminal.request("qrcode_data", {"content": "4711"})
    responder.first("qyzn/T0001/event/qrcode")
    assert responder.publish("qyzn/T0001/answer/qrcode", {"open": True})
    assert terminal.answer_to(question)["data"] == {"opendoor": 1}
    for kind in ("event/recognition", "event_replay/recognition", "image/recognition", "event/beep"):
        viewer.first(f"qyzn/T0001/{kind}")


def open_the_door(terminal: RawTerminal, roles: Roles, protocol: str) -> None:
    """Those who may not do, cannot."""
    doorman, topic = roles["doorman"], "qyzn/T0001/response/open_door/me"
    assert doorman.publish("qyzn/T0001/command/open_door", {"transaction": "t"}, response_topic=topic, correlation_data=b"c")
    terminal.respond(terminal.command())
    assert doorman.first("qyzn/T0001/response/open_door").json["status"] == "ok"
    assert protocol != "5" or doorman.first(topic).correlation_data == b"c"
    assert not doorman.publish("qyzn/T0001/command/delete_person", {"idSet": ["1"]})
    assert not doorman.publish("qyzn/all/command/open_door")
    assert not roles["viewer"].publish("qyzn/T0001/command/open_door")
    assert terminal.hears_nothing()


def manage(terminal: RawTerminal, roles: Roles) -> None:
    """Pictures, settings, and the bridge's own requests."""
    admin, home_assistant = roles["administrator"], roles[HOME_ASSISTANT]
    assert admin.publish("qyzn/T0001/command/snapshot_picture", {"timeoutSeconds": 1})
    terminal.respond(terminal.command(), data={"image": recognition()["snapPic"]})
    assert roles["viewer"].first("qyzn/T0001/image/snapshot").payload == JPEG
    assert home_assistant.publish("qyzn/T0001/config/audioctl/set", {"level": 3})
    terminal.respond(terminal.command())
    terminal.respond(terminal.command(), data=[{"groupKey": "audioctl", "level": 3}])
    assert home_assistant.first("qyzn/T0001/response/config_system").json["status"] == "ok"
    assert home_assistant.publish("qyzn/bridge/request/permit_join", {"time": 60})
    for name, payload in (("device/rename", {"id": "T0001", "name": "Gate"}), ("health", {})):
        assert admin.publish(f"qyzn/bridge/request/{name}", payload)
        assert admin.first(f"qyzn/bridge/response/{name}").json["status"] == "ok"


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_the_bridge_is_denied_nothing_that_it_does(
    guarded: Broker, log_in: Callable[..., MqttWatcher], start_bridge: StartBridge, connect_terminal: ConnectTerminal, protocol: str
) -> None:
    bridge = as_bridge(start_bridge, guarded, f'[outbox]\nmode = "always"\n[mqtt]\nprotocol = "{protocol}"\n')
    terminal = connect_terminal(bridge.terminal_port).join()
    roles = {role: log_in(role) for role in ROLES if role != BRIDGE}
    report(terminal, roles)
    roles["administrator"].first("qyzn/bridge/checkpoint", lambda seen: seen.payload != b"")
    open_the_door(terminal, roles, protocol)
    manage(terminal, roles)
    assert terminal.ask("logout", {})["result"] == 0
    admin = roles["administrator"]
    assert admin.publish("qyzn/bridge/request/device/remove", {"id": "T0001"})
    admin.first("qyzn/bridge/response/device/remove")
    bridge.stop()
    admin.first("qyzn/bridge/state", lambda seen: seen.payload == b"offline")
    assert list(denied(guarded, "qyzn-bridge")) == []
    assert "cannot" not in bridge.log
    assert "Not authorized" not in bridge.log


def denied(broker: Broker, client_id: str) -> Iterator[str]:
    """What mosquitto did not let this client publish."""
    return (line for line in broker.log.splitlines() if f"Denied PUBLISH from {client_id} " in line)


# What the bridge says when it is denied something.


def without(start_mosquitto: StartMosquitto, tmp_path: Path, *lines: str) -> Broker:
    """A broker whose ACL lacks these lines."""
    text = ACL.read_text()
    for line in lines:
        assert f"\n{line}\n" in text
        text = text.replace(f"\n{line}\n", "\n", 1)
    (tmp_path / "acl").write_text(text)
    return start_guarded(start_mosquitto, tmp_path / "acl")


def test_denied_publishes_are_in_the_log_and_events_wait_on_the_disk(
    start_mosquitto: StartMosquitto, start_bridge: StartBridge, connect_terminal: ConnectTerminal, watch: Watch, tmp_path: Path
) -> None:
    hidden = ("qyzn/+/event/+", "qyzn/+/availability", "qyzn/bridge/event", "qyzn/bridge/state")
    broker = without(start_mosquitto, tmp_path, *(f"topic write {each}" for each in hidden))
    bridge = as_bridge(start_bridge, broker)
    terminal = connect_terminal(bridge.terminal_port).join()
    assert "Not authorized" in bridge.line_with("cannot publish on qyzn/T0001/availability")
    assert "Not authorized" in bridge.line_with("cannot publish on qyzn/bridge/event")
    assert "Not authorized" in bridge.line_with("cannot publish on qyzn/bridge/state")
    assert terminal.ask("snapshot_face", recognition())["result"] == 0
    assert "Not authorized" in bridge.line_with("the broker refuses events, which wait in the outbox")

    admin = watch(broker.port, user=("administrator", PASSWORD))
    admin.publish("qyzn/T0001/command/open_door", response_topic="somebody/elses")
    terminal.respond(terminal.command())
    assert admin.first("qyzn/T0001/response/open_door").json["status"] == "ok"
    assert "Not authorized" in bridge.line_with("cannot respond on somebody/elses")


def test_what_the_bridge_may_not_read_it_does_not_get(
    start_mosquitto: StartMosquitto, start_bridge: StartBridge, connect_terminal: ConnectTerminal, watch: Watch, tmp_path: Path
) -> None:
    """mosquitto accepts the subscription all the same, so that nobody is told."""
    broker = without(start_mosquitto, tmp_path, "topic read qyzn/+/command/#")
    bridge = as_bridge(start_bridge, broker)
    terminal = connect_terminal(bridge.terminal_port).join()
    admin = watch(broker.port, user=("administrator", PASSWORD))
    assert admin.publish("qyzn/T0001/command/open_door")
    assert admin.publish("qyzn/bridge/request/health")
    admin.first("qyzn/bridge/response/health")
    assert terminal.hears_nothing()
    assert admin.on("qyzn/T0001/response/open_door") == []
