"""Sources and precedence, and every error: one line that says where, what was expected and what came."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bridge.config import Config, load, redacted
from bridge.config.answers import Called, Flat
from bridge.config.build import Builder, Given
from bridge.config.section import walk
from bridge.errors import ConfigError

SECRET = "hunter2"

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write text to the configuration file."""

    def write(text: str) -> Path:
        path = tmp_path / "bridge.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def refused(path: Path | None = None, options: dict[str, Any] | None = None, environ: dict[str, str] | None = None) -> str:
    """What the error says, without the folder of the file."""
    with pytest.raises(ConfigError) as caught:
        load(path, options=options or {}, environ=environ or {})
    text = str(caught.value)
    assert len(text.splitlines()) == 1
    return text.replace(f"{path.parent}/", "") if path else text


class TestSources:
    def test_nothing_at_all_gives_the_defaults(self) -> None:
        config = load()
        assert config == Config()
        assert (config.listen, config.base_topic, config.mqtt.url) == (("tcp:8899",), "qyzn", "embedded://127.0.0.1:1883")
        assert (config.registration.policy, config.limits.login_s, config.limits.silence_s) == ("approve", 30, 75)
        assert (config.limits.frame_bytes, config.limits.frame_bytes_before_login) == (8 * 2**20, 64 * 2**10)

    def test_a_file_says_as_much_as_it_likes(self, write: Write) -> None:
        path = write("""
            listen = ["tcp:1", "tcp:2"]
            timezone = "Europe/Vienna"
            [mqtt]
            url = "mqtts://broker"
            keepalive_s = 10
            [limits]
            login_s = 2
            [devices."FRT-1"]
            name = "Door"
            [devices.FRT-2]
            approved = false
            timezone = "Asia/Shanghai"
        """)
        config = load(path)
        assert config.listen == ("tcp:1", "tcp:2")
        assert (config.mqtt.url, config.mqtt.keepalive_s, config.mqtt.protocol) == ("mqtts://broker", 10, "auto")
        assert config.limits.login_s == 2.0
        assert (config.device_name("FRT-1"), config.device_name("FRT-2"), config.device_name("FRT-3")) == ("Door", None, None)
        assert config.approved_serials == {"FRT-1"}

    def test_a_flat_and_its_people(self, write: Write) -> None:
        path = write("""
            [intercom.flats."304"]
            called = [{ user_id = "1001", token = "t", phone = "+431" }, { user_id = "1002" }]
            device_name = "Main gate"
            max_seconds = 90
            [intercom.flats.1A]
            [[intercom.flats.1A.called]]
            user_id = "1003"
        """)
        flats = load(path).intercom.flats
        people = (Called(user_id="1001", token="t", phone="+431"), Called(user_id="1002"))
        assert flats["304"] == Flat(called=people, device_name="Main gate", max_seconds=90)
        assert (flats["1A"].called, flats["1A"].max_seconds, len(flats)) == ((Called(user_id="1003"),), 60, 2)

    def test_a_byte_order_mark_is_read_over(self, write: Write) -> None:
        assert load(write('\ufeffbase_topic = "doors"')).base_topic == "doors"

    def test_an_option_wins_over_the_environment_and_that_over_the_file(self, write: Write) -> None:
        path = write('[mqtt]\nurl = "mqtt://file"')
        environ, options = {"QYZN_BRIDGE_MQTT_URL": "mqtt://environment"}, {"mqtt": "mqtt://option"}
        assert load(path).mqtt.url == "mqtt://file"
        assert load(path, environ=environ).mqtt.url == "mqtt://environment"
        assert load(path, environ=environ, options=options).mqtt.url == "mqtt://option"

    def test_options_that_are_not_given_leave_the_file_alone(self, write: Write) -> None:
        options: dict[str, Any] = {"listen": [], "mqtt": None, "config": "somewhere", "instance": None}
        assert load(write('instance = "a"'), options=options).instance == "a"

    def test_every_option(self) -> None:
        options = {"listen": ["tcp:1"], "base-topic": "b", "instance": "i", "state-dir": "/s", "registration": "open", "mqtt": "mqtt://h"}
        config = load(options=options)
        assert config == Config(
            listen=("tcp:1",),
            base_topic="b",
            instance="i",
            state_dir=Path("/s"),
            registration=load(options={"registration": "open"}).registration,
            mqtt=load(options={"mqtt": "mqtt://h"}).mqtt,
        )

    def test_an_empty_option_is_a_value(self, write: Write) -> None:
        assert load(write('instance = "a"'), options={"instance": ""}).instance == ""

    def test_an_empty_variable_is_not_set(self, write: Write) -> None:
        path = write('[mqtt]\nusername = "file"')
        assert load(path, environ={"QYZN_BRIDGE_MQTT_USERNAME": ""}).mqtt.username == "file"

    def test_other_variables_are_not_ours(self) -> None:
        environ = {"PATH": "/bin", "QYZN": "x", "QYZN_BRIDGE_SERVICE_HOST": "10.0.0.1", "QYZN_BRIDGE_SERVICE_PORT": "8899"}
        environ |= {"QYZN_BRIDGE_PORT": "tcp://10.0.0.1:8899", "QYZN_BRIDGE_PORT_8899_TCP_ADDR": "10.0.0.1"}
        assert load(environ=environ) == Config()


class TestCredentials:
    def test_from_keys(self, write: Write) -> None:
        config = load(write('[mqtt]\nusername = "u"'), environ={"QYZN_BRIDGE_MQTT_PASSWORD": SECRET})
        assert config.mqtt.credentials == ("u", SECRET)

    def test_from_the_url(self) -> None:
        assert load(options={"mqtt": "mqtt://u%40x:p%2F@h"}).mqtt.credentials == ("u@x", "p/")

    def test_half_from_the_url(self) -> None:
        config = load(options={"mqtt": "mqtt://u@h"}, environ={"QYZN_BRIDGE_MQTT_PASSWORD": SECRET})
        assert config.mqtt.credentials == ("u", SECRET)

    def test_a_password_file(self, write: Write, tmp_path: Path) -> None:
        (tmp_path / "password").write_text(f" {SECRET} \r\n")
        config = load(write(f'[mqtt]\nusername = "u"\npassword_file = "{tmp_path}/password"'))
        assert config.mqtt.credentials == ("u", f" {SECRET} ")

    def test_a_stronger_password_takes_the_place_of_a_password_file(self, write: Write) -> None:
        path = write('[mqtt]\nusername = "u"\npassword_file = "/nowhere"')
        assert load(path, environ={"QYZN_BRIDGE_MQTT_PASSWORD": SECRET}).mqtt.credentials == ("u", SECRET)

    def test_a_stronger_url_with_credentials_takes_the_place_of_all_others(self, write: Write) -> None:
        path = write('[mqtt]\nusername = "u"\npassword_file = "/nowhere"')
        config = load(path, environ={"QYZN_BRIDGE_MQTT_PASSWORD": "other"}, options={"mqtt": f"mqtt://v:{SECRET}@h"})
        assert config.mqtt.credentials == ("v", SECRET)

    def test_a_stronger_url_without_credentials_leaves_them(self, write: Write) -> None:
        path = write('[mqtt]\nusername = "u"\npassword = "p"')
        assert load(path, options={"mqtt": "mqtt://h"}).mqtt.credentials == ("u", "p")

    def test_no_credentials(self) -> None:
        assert load().mqtt.credentials == (None, None)


class TestErrors:
    def test_no_file(self, tmp_path: Path) -> None:
        assert refused(tmp_path / "none.toml") == "none.toml: expected a file that can be read, got No such file or directory"

    def test_a_folder(self, tmp_path: Path) -> None:
        assert "expected a file that can be read, got Is a directory" in refused(tmp_path)

    def test_no_text(self, tmp_path: Path) -> None:
        (tmp_path / "bridge.toml").write_bytes(b"\xff\xfe")
        assert refused(tmp_path / "bridge.toml") == "bridge.toml: expected UTF-8 text, got other bytes"

    def test_no_toml(self, write: Write) -> None:
        assert (
            refused(write('instance = "a"\nbase_topic = doors')) == "bridge.toml: expected TOML, got invalid value (at line 2, column 14)"
        )

    @pytest.mark.parametrize("text", ["timezone = " + "[" * 10_000, "timezone = " + "9" * 10_000], ids=["depth", "digits"])
    def test_absurd_toml(self, write: Write, text: str) -> None:
        assert refused(write(text)).startswith("bridge.toml: expected TOML, got ")

    @pytest.mark.parametrize(
        ("text", "error"),
        [
            ("[mqtt]\nkeepalive = 5", "mqtt.keepalive: expected a known key (nearest: mqtt.keepalive_s)"),
            ('url = "mqtt://h"', "url: expected a known key (nearest: mqtt.url)"),
            ("[limit]\nlogin_s = 5", "limit: expected a known key (nearest: limits)"),
            ('[devices.a]\nnam = "x"', "devices.a.nam: expected a known key (nearest: devices.a.name)"),
            ("qqq = 5", "qqq: expected a known key"),
            ('"a\\nb" = 5', 'bridge.toml: "a\\nb": expected a known key'),
            ("[mqtt]\nkeepalive_s = 4", "mqtt.keepalive_s: expected a whole number of seconds, 5 to 65535, got 4"),
            ('[mqtt]\nkeepalive_s = "30"', 'mqtt.keepalive_s: expected a whole number of seconds, 5 to 65535, got "30"'),
            ("[mqtt]\nkeepalive_s = 30.5", "mqtt.keepalive_s: expected a whole number of seconds, 5 to 65535, got 30.5"),
            ("[mqtt]\nkeepalive_s = true", "mqtt.keepalive_s: expected a whole number of seconds, 5 to 65535, got true"),
            ("[limits]\nlogin_s = nan", "limits.login_s: expected a number of seconds, 0.001 to 86400, got nan"),
            ("[limits]\nlogin_s = inf", "limits.login_s: expected a number of seconds, 0.001 to 86400, got inf"),
            ("[limits]\nframe_bytes = 0x" + "f" * 50, "limits.frame_bytes: expected a whole number of bytes, 1024 to 268435456, got a whole number"),
            ("[limits]\nframe_bytes = 2048", "limits.frame_bytes_before_login: expected at most frame_bytes, 2048, got 65536"),
            ("mqtt = 5", "mqtt: expected a table, got a whole number"),
            ("[[mqtt]]", "mqtt: expected a table, got a list"),
            ("devices.a = 5", "devices.a: expected a table, got a whole number"),
            ('listen = "tcp:8899"', "listen: expected a list of endpoints, at least one, got a string"),
            ("listen = []", "listen: expected a list of endpoints, at least one, got an empty list"),
            ('listen = ["tcp:1", " "]', 'listen[1]: expected an endpoint such as "tcp:8899", got " "'),
            ("listen = [8899]", 'listen[0]: expected an endpoint such as "tcp:8899", got 8899'),
            ("instance = 2024-01-01", "instance: expected at most 64 of A-Z, a-z, 0-9, _ and -, got 2024-01-01"),
            ("instance = {}", "instance: expected at most 64 of A-Z, a-z, 0-9, _ and -, got a table"),
            ('instance = "a b"', 'instance: expected at most 64 of A-Z, a-z, 0-9, _ and -, got "a b"'),
            ('instance = "a\\n"', "instance: expected at most 64 of A-Z, a-z, 0-9, _ and -, got 'a\\n'"),
            (f'instance = "{"a" * 99}"', f'instance: expected at most 64 of A-Z, a-z, 0-9, _ and -, got "{"a" * 79}…'),
            ('state_dir = ""', "state_dir: expected a directory's path, got \"\""),
            ('images.publish = "all"', 'images.publish: expected one of "topic", "inline", "both", "none", got "all"'),
            ("images.retain = 1", "images.retain: expected true or false, got 1"),
            ('privacy.omit = ["idNumber"]', 'privacy.omit[0]: expected the name of an event\'s field, such as "id_number", got "idNumber"'),
            ('commands.deny = ["a/b"]', 'commands.deny[0]: expected the name of a command, such as "delete_person", got "a/b"'),
            ('mqtt.client_id = ""', 'mqtt.client_id: expected a string that is not empty, got ""'),
            ('mqtt.cert_file = "/nowhere"', 'mqtt.cert_file: expected the path of a file that can be read, got "/nowhere"'),
            ('mqtt.ca_file = "/"', 'mqtt.ca_file: expected the path of a file that can be read, got "/"'),
            ('mqtt.cert_file = "/dev/null"', "mqtt.cert_file: expected key_file beside it"),
            ('mqtt.key_file = "/dev/null"', "mqtt.key_file: expected cert_file beside it"),
            ('mqtt.password = "p"', "mqtt.password: expected a user name beside the password"),
            ('mqtt.password_file = "/dev/null"', "mqtt.password_file: expected a user name beside the password"),
            ('mqtt = {username = "u", password = "p", password_file = "f"}', "mqtt.password_file: expected either password or password_file, got both"),
            ('mqtt = {username = "u", url = "mqtt://v@h"}', "mqtt.username: expected a user name here or in url, got both"),
            ("answers.timeout_s = 20", "answers.timeout_s: expected a number of seconds, 0.1 to 15, got 20"),
            ('answers.recognition = "yes"', 'answers.recognition: expected one of "terminal", "ask", got "yes"'),
            ("[intercom.flats.304]", "intercom.flats.304.called: expected a list of people, at least one, got an empty list"),
            ('intercom.flats.304.called = "x"', "intercom.flats.304.called: expected a list of tables, got a string"),
            ('intercom.flats.304.called = ["x"]', "intercom.flats.304.called[0]: expected a table, got a string"),
            ("intercom.flats.304.called = [{}]", "intercom.flats.304.called[0].user_id: expected a string that is not empty, got nothing"),
            ('intercom.flats."304" = {called = [{userid = "2"}]}', "intercom.flats.304.called[0].userid: expected a known key (nearest: intercom.flats.304.called[0].user_id)"),  # noqa: E501
            ('intercom.flats."" = {called = [{user_id = "1"}]}', 'intercom.flats."": expected the number of a flat: 1 to 32 printable characters, got ""'),
            ('mqtt = {password = "p", url = "mqtt://v:q@h"}', "mqtt.password: expected a password here or in url, got both"),
        ],
    )  # fmt: skip
    def test_a_wrong_file(self, write: Write, text: str, error: str) -> None:
        assert refused(write(text)).removeprefix("bridge.toml: ") == error.removeprefix("bridge.toml: ")

    @pytest.mark.parametrize("zone", ["Mars", "europe/nowhere", "Europe", "../etc/passwd", "/etc/localtime", "a\\u0000b", " "])
    def test_no_zone(self, write: Write, zone: str) -> None:
        assert "timezone: expected an IANA time zone" in refused(write(f'timezone = "{zone}"'))
        assert "devices.a.timezone: expected an IANA time zone" in refused(write(f'devices.a.timezone = "{zone}"'))

    @pytest.mark.parametrize("topic", ["", "/a", "a/", "a/+", "#", "$SYS", "a\\u0000", "a\\nb"])
    def test_no_base_topic(self, write: Write, topic: str) -> None:
        assert "base_topic: expected a topic" in refused(write(f'base_topic = "{topic}"'))

    @pytest.mark.parametrize("serial", ["", "bridge", "all", "a b", "a/b", "+", "ä", "a" * 65, "a\\n"])
    def test_no_serial(self, write: Write, serial: str) -> None:
        assert "registration.serials[1]: expected a serial" in refused(write(f'registration.serials = ["x", "{serial}"]'))
        assert "expected a serial" in refused(write(f'[devices."{serial}"]'))

    def test_options_and_variables_are_named(self) -> None:
        assert refused(options={"registration": "all"}) == '--registration: expected one of "approve", "open", "closed", got "all"'
        assert refused(options={"listen": ["tcp:1", ""]}) == '--listen[1]: expected an endpoint such as "tcp:8899", got ""'
        assert (
            refused(environ={"QYZN_BRIDGE_MQTT_PASSWORD": SECRET}) == "QYZN_BRIDGE_MQTT_PASSWORD: expected a user name beside the password"
        )
        assert refused(options={"base-topic": "\udcff"}).endswith(r"got '\udcff'")

    def test_a_variable_that_does_not_exist_would_be_a_secret_that_is_missed(self) -> None:
        error = refused(environ={"QYZN_BRIDGE_MQTT_PASSWROD": SECRET})
        assert error == "QYZN_BRIDGE_MQTT_PASSWROD: expected a known variable (nearest: QYZN_BRIDGE_MQTT_PASSWORD)"

    @pytest.mark.parametrize(
        ("content", "error"),
        [
            (None, "a file that can be read, got {path} (No such file or directory)"),
            (b"", "a file with a password in it, got {path}, which is empty"),
            (b"\n", "a file with a password in it, got {path}, which is empty"),
            (b"a" * 5000, "a file with a password in it, got {path}, which is too long"),
            (b"\xff", "a file with a password in it, got {path}, which is no UTF-8 text"),
        ],
    )
    def test_a_wrong_password_file(self, write: Write, tmp_path: Path, content: bytes | None, error: str) -> None:
        if content is not None:
            (tmp_path / "password").write_bytes(content)
        text = refused(write(f'[mqtt]\nusername = "u"\npassword_file = "{tmp_path}/password"'))
        assert text == "bridge.toml: mqtt.password_file: expected " + error.format(path="password")


class TestSecrets:
    def test_they_are_not_to_be_seen(self, write: Write) -> None:
        path = write(f'[mqtt]\nusername = "u"\npassword = "{SECRET}"')
        for config in (load(path), load(options={"mqtt": f"mqtt://u:{SECRET}@h"})):
            assert SECRET not in f"{config} {config!r} {config.mqtt} {config.mqtt!r} {redacted(config)}"

    @pytest.mark.parametrize(
        "text",
        [
            f'mqtt = "mqtt://u:{SECRET}@h"',
            f'mqtt.password = ["{SECRET}"]',
            f'mqtt.password = "{SECRET}\\u0000"',
            f'mqtt.password = "{SECRET}"',
            f'mqtt.pasword = "{SECRET}"',
            f'mqtt.url = ["mqtt://u:{SECRET}@h"]',
            f'mqtt.url = "mqtt://u:{SECRET}@h\\u0000"',
            f'mqtt = {{url = "mqtt://u:{SECRET}@h", username = "u"}}',
            f'mqtt = {{url = "mqtt://u:{SECRET}@h", password = "{SECRET}"}}',
            f'mqtt = {{url = "mqtt://u:{SECRET}@h", password = "{SECRET}"',
            f'intercom.flats.304.called = "{SECRET}"',
            f'intercom.flats.304.called = ["{SECRET}"]',
            f'intercom.flats.304.called = [{{user_id = "{SECRET}\u0000"}}]',
            f'intercom.flats.304.called = [{{user_id = "1", token = "{SECRET}\u0000"}}]',
            f'intercom.flats.304.called = [{{user_id = "1", phone = ["{SECRET}"]}}]',
            f'intercom.flats.304 = {{called = [{{user_id = "1"}}], device_token = "{SECRET}\u0000"}}',
        ],
    )
    def test_errors_do_not_show_them(self, write: Write, text: str) -> None:
        assert SECRET not in refused(write(text))


paths = st.sampled_from([path.split(".") for path, _ in walk(Config)] + [["devices", "a", "name"], ["devices", "a"], ["mqtt"], ["devices"]])
scalars = st.text(max_size=8) | st.integers() | st.floats() | st.booleans() | st.dates() | st.times() | st.datetimes()
anything = st.recursive(scalars, lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=8), below, max_size=3))


def tree(entries: list[tuple[list[str], Any]]) -> dict[str, Any]:
    """Values at known paths, where nothing else stands in the way."""
    root: dict[str, Any] = {}
    for path, value in entries:
        table: Any = root
        for name in path[:-1]:
            table = table.setdefault(name, {}) if isinstance(table, dict) else {}
        if isinstance(table, dict):
            table[path[-1]] = value
    return root


def build_or_refuse(raw: dict[str, Any], overrides: dict[str, Given]) -> None:
    """Nothing but a Config or a ConfigError of one line may come of it."""
    try:
        text = repr(Builder("bridge.toml", overrides).section(Config, raw))
    except ConfigError as error:
        text = str(error)
    assert len(text.splitlines()) == 1


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(paths, anything), max_size=5).map(tree) | st.dictionaries(st.text(max_size=8), anything, max_size=3))
@example({"base_topic": "\ud800"})
@example({"": {"": 10**6000}})
@example({"limits": {"login_s": 10**400}})
@example({"limits": {"frame_bytes": -(10**6000)}})
@example({"mqtt": {"url": "mqtt://[", "password": "x"}})
@example({"mqtt": {"ca_file": "\0"}})
@example({"mqtt": {"ca_file": "\ud800"}})
def test_whatever_a_file_holds_it_is_a_config_or_a_config_error(raw: dict[str, Any]) -> None:
    build_or_refuse(raw, {})


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.sampled_from([path for path, _ in walk(Config)]), st.text() | st.lists(st.text(), max_size=2), max_size=4))
def test_whatever_is_given_beside_the_file_it_is_a_config_or_a_config_error(values: dict[str, Any]) -> None:
    build_or_refuse({}, {path: Given(value, "--option") for path, value in values.items()})
