"""The command line, up to the service that it makes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from twisted.internet.testing import MemoryReactorClock
from twisted.logger import capturedLogs, formatEvent

from bridge.config import OPTIONS
from bridge.errors import ConfigError
from bridge.mqtt.topics import WORDS
from bridge.service import BridgeService
from bridge.tap import Options, _bridge, _with_backlog


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith("QYZN_BRIDGE_"):
            monkeypatch.delenv(name)


def parsed(*arguments: str) -> Options:
    options = Options()
    options.parseOptions(list(arguments))
    return options


def test_with_nothing_given_it_is_the_embedded_broker_on_loopback() -> None:
    config = parsed().config_values
    assert config.mqtt.url == "embedded://127.0.0.1:1883"
    assert config.listen == ("tcp:8899",)
    assert config.registration.policy == "approve"


def test_each_option_is_there_and_explained() -> None:
    usage = Options().getUsage(width=10_000)
    for option in OPTIONS:
        assert all(spelling + ("" if option.switch else "=") in usage for spelling in option.spellings)
        assert " ".join(option.help.split()[:5]) in " ".join(usage.split())
    assert "--config=" in usage


@pytest.mark.parametrize("name", sorted(WORDS))
def test_a_bridge_must_not_be_called_what_a_topic_is(name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "bridge.toml"
    file.write_text(f'instance = "{name}"\n')
    for where, arguments in (("instance", ("--config", str(file))), ("--instance", ("--instance", name))):
        with pytest.raises(SystemExit):
            parsed(*arguments)
        line = f'qyzn-bridge: {where}: expected a name that no topic has as a level, such as "north", got "{name}"\n'
        assert capfd.readouterr().err == line


def test_options_win_over_the_file_and_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "bridge.toml"
    file.write_text('base_topic = "file"\ninstance = "file"\n[mqtt]\nurl = "mqtt://file"\nkeepalive_s = 99\n')
    monkeypatch.setenv("QYZN_BRIDGE_MQTT_URL", "mqtt://environment")
    config = parsed("--config", str(file), "--base-topic", "option", "--mqtt=mqtt://option").config_values
    assert (config.base_topic, config.instance, config.mqtt.url, config.mqtt.keepalive_s) == ("option", "file", "mqtt://option", 99)


@pytest.mark.parametrize(("arguments", "enabled"), [([], True), (["--no-homeassistant"], False), (["--homeassistant"], True)])
def test_a_switch_is_on_or_off(arguments: list[str], enabled: bool) -> None:
    assert parsed(*arguments).config_values.homeassistant.enabled is enabled


def test_a_switch_wins_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "bridge.toml"
    file.write_text("[homeassistant]\nenabled = false\n")
    assert not parsed("--config", str(file)).config_values.homeassistant.enabled
    assert parsed("--config", str(file), "--homeassistant").config_values.homeassistant.enabled
    assert not parsed("--config", str(file), "--homeassistant", "--no-homeassistant").config_values.homeassistant.enabled


def test_listen_may_be_given_several_times() -> None:
    assert parsed("--listen", "tcp:1", "--listen", "tcp:2").config_values.listen == ("tcp:1", "tcp:2")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--nonsense"], "command line: expected options that --help lists, got option --nonsense not recognized"),
        (["--mqtt"], "command line: expected options that --help lists, got option --mqtt requires argument"),
        (["now"], "command line: expected options and nothing else, got 'now'"),
        (["--registration", "ask"], '--registration: expected one of "approve", "open", "closed", got "ask"'),
        (["--config", "nowhere.toml"], "nowhere.toml: expected a file that can be read, got No such file or directory"),
        (["--config", "/"], "/: expected a file that can be read, got Is a directory"),
    ],
)
def test_what_cannot_be_is_one_line(arguments: list[str], line: str, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parsed(*arguments)
    assert ended.value.code == 78
    assert capfd.readouterr() == ("", f"qyzn-bridge: {line}\n")


def test_a_denied_command_must_exist(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "bridge.toml"
    file.write_text('[commands]\ndeny = ["open_door", "opendoor"]\n')
    with pytest.raises(SystemExit):
        parsed("--config", str(file))
    line = 'qyzn-bridge: commands.deny: expected a known command (nearest: open_door), got "opendoor"\n'
    assert capfd.readouterr().err == line


def test_what_is_not_to_be_published_is_looked_at_too(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "bridge.toml"
    file.write_text('[privacy]\nomit = ["device_name"]\n')
    with pytest.raises(SystemExit):
        parsed("--config", str(file))
    line = 'qyzn-bridge: privacy.omit: expected fields that events can do without, got "device_name"\n'
    assert capfd.readouterr().err == line
    file.write_text('[privacy]\nomit = ["id_number", "id_numbr"]\n')
    with capturedLogs() as lines:
        parsed("--config", str(file))
    assert [formatEvent(each) for each in lines] == [
        'privacy.omit: "id_numbr" is no field that the bridge knows; expected a known field (nearest: id_number)'
    ]


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["--listen", "nonsense"], 'listen: expected a Twisted server endpoint, as in "tcp:8899", got nonsense ('),
        (["--listen", "tcp:http"], "got tcp:http ("),
        (["--listen", "ssl:8899:privateKey=/nowhere.pem"], "got ssl:8899:privateKey=/nowhere.pem ("),
        (["--listen", "systemd:domain=INET:index=0"], "got systemd:domain=INET:index=0 ("),
        (["--mqtt", "http://somewhere"], "mqtt.url: expected mqtt://"),
    ],
)
def test_what_only_the_reactor_can_tell_is_a_configuration_error_too(arguments: list[str], part: str) -> None:
    config = parsed(*arguments).config_values
    with pytest.raises(ConfigError) as caught:
        _bridge(MemoryReactorClock(), config)
    assert part in str(caught.value)


def test_the_bridges_clock_is_not_the_one_on_the_wall() -> None:
    reactor = MemoryReactorClock()
    wall = reactor.seconds
    assert isinstance(_bridge(reactor, parsed("--mqtt", "mqtt://broker").config_values), BridgeService)
    assert reactor.seconds is not wall
    assert reactor.triggers["after"]["startup"], "the signals' handlers are set once the reactor has set its own"


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("tcp:8899", "tcp:8899:backlog=1000"),
        ("tcp:port=8899:interface=10.0.0.5", "tcp:port=8899:interface=10.0.0.5:backlog=1000"),
        ("tcp6:8899:interface=\\:\\:", "tcp6:8899:interface=\\:\\::backlog=1000"),
        ("tcp:8899:backlog=20", "tcp:8899:backlog=20"),
        ("tcp:8899:10.0.0.5:20", "tcp:8899:10.0.0.5:20"),
        ("systemd:domain=INET:index=0", "systemd:domain=INET:index=0"),
    ],
)
def test_a_site_that_connects_at_once_is_not_kept_waiting(given: str, used: str) -> None:
    assert _with_backlog(given) == used
