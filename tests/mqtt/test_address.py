from __future__ import annotations

import pytest

from bridge.errors import ConfigError
from bridge.mqtt.address import BrokerAddress, parse_address


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("mqtt://broker.example", BrokerAddress("mqtt", "broker.example", 1883)),
        ("mqtt://broker.example:1884/", BrokerAddress("mqtt", "broker.example", 1884)),
        ("mqtts://broker.example", BrokerAddress("mqtts", "broker.example", 8883)),
        ("mqtt://[::1]:1884", BrokerAddress("mqtt", "::1", 1884)),
        ("mqtt://bridge:p%40ss@host", BrokerAddress("mqtt", "host", 1883, username="bridge", password="p@ss")),
        ("mqtt://bridge@host", BrokerAddress("mqtt", "host", 1883, username="bridge")),
        ("mqtt+unix:///run/mosquitto/mqtt.sock", BrokerAddress("mqtt+unix", path="/run/mosquitto/mqtt.sock")),
        ("mqtt+unix://bridge:secret@/run/a%20b", BrokerAddress("mqtt+unix", path="/run/a b", username="bridge", password="secret")),
        ("embedded://", BrokerAddress("embedded", "127.0.0.1", 1883)),
        ("embedded://0.0.0.0:1884", BrokerAddress("embedded", "0.0.0.0", 1884)),
    ],
)
def test_addresses(url: str, expected: BrokerAddress) -> None:
    assert parse_address(url) == expected


@pytest.mark.parametrize(
    "url",
    [
        "",
        "broker.example",
        "broker.example:1883",
        "http://broker.example",
        "mqtt://",
        "mqtt://:1883",
        "mqtt://host:0",
        "mqtt://host:65536",
        "mqtt://host:port",
        "mqtt://[::1",
        "mqtt://host/topic",
        "mqtt://host?x=1",
        "mqtt://:secret@host",
        "mqtt+unix://run/mqtt.sock",
        "mqtt+unix://",
    ],
)
def test_what_is_none_is_told_with_its_place(url: str) -> None:
    with pytest.raises(ConfigError, match=r"^mqtt\.url: expected "):
        parse_address(url)


@pytest.mark.parametrize(
    "url", ["mqtt://user:secret", "mqtt://user:secret@host/x", "user:secret@host", "http://user:secret@host", "mqtt://u:secret@:1"]
)
def test_a_password_is_never_repeated(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_address(url)
    assert "secret" not in str(caught.value)


def test_its_text_shows_neither_user_nor_password() -> None:
    address = parse_address("mqtts://bridge:secret@[::1]:8884")
    assert str(address) == "mqtts://[::1]:8884"
    assert "secret" not in repr(address)
    assert str(parse_address("mqtt+unix:///run/mqtt.sock")) == "mqtt+unix:///run/mqtt.sock"
