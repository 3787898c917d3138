from __future__ import annotations

import os
import pwd
import stat
from pathlib import Path

import pytest

from bridge.errors import ConfigError
from bridge.mqtt import mosquitto
from bridge.mqtt.mosquitto import Listener, config_text, find_mosquitto, is_loopback, prepare, start_error

LOCAL = Listener("127.0.0.1", 1883)
GUARDED = Listener("0.0.0.0", 1883, "bridge", "s3cret")


def lines(listener: Listener, *, as_root: bool = False) -> list[str]:
    return config_text(listener, as_root=as_root).splitlines()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("wanted", ["persistence true", "persistence_file mosquitto.db", "set_tcp_nodelay true", "log_dest stderr"])
def test_whatever_listens_keeps_its_messages_and_sends_at_once(wanted: str) -> None:
    assert wanted in lines(LOCAL)
    assert wanted in lines(GUARDED)


def test_limits_are_numbers_because_0_does_not_mean_unlimited_everywhere() -> None:
    limits = dict(line.split() for line in lines(LOCAL) if line.startswith(("max_queued_messages", "max_inflight_messages")))
    assert all(int(value) > 1000 for value in limits.values())
    assert len(limits) == 2


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.0.1", "::1", "localhost"])
def test_on_the_loopback_everybody_is_let_in(host: str) -> None:
    assert lines(Listener(host, 1885))[-2:] == [f"listener 1885 {host}", "allow_anonymous true"]


def test_with_a_password_nobody_else_is_let_in_even_on_the_loopback() -> None:
    for listener in (GUARDED, Listener("::1", 1883, "bridge", "s3cret")):
        assert lines(listener)[-2:] == ["allow_anonymous false", "password_file passwords"]


def test_only_where_root_starts_it_does_it_stay_root() -> None:
    assert "user root" in lines(LOCAL, as_root=True)
    assert not any(line.startswith("user") for line in lines(LOCAL))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "broker.example", "127.0.0.1.example"])
def test_what_other_machines_reach_needs_a_password(host: str) -> None:
    assert not is_loopback(host)
    with pytest.raises(ConfigError, match=r"embedded://USER:PASSWORD@.*:1883") as raised:
        Listener(host, 1883)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("host", "username", "password"),
    [("127.0.0.1\nuser root", None, None), ("", None, None), ("127.0.0.1", "a", None), ("127.0.0.1", "a:b", "c"), ("127.0.0.1", "", "c")],
)
def test_what_the_files_cannot_hold_is_refused(host: str, username: str | None, password: str | None) -> None:
    with pytest.raises(ConfigError):
        Listener(host, 1883, username, password)


def test_a_missing_program_is_one_line_that_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(mosquitto, "USUAL_PLACES", (str(tmp_path / "sbin"),))
    with pytest.raises(ConfigError, match=r"apt-get.* install mosquitto.*--mqtt mqtt://") as raised:
        find_mosquitto()
    assert "\n" not in str(raised.value)


def test_it_is_found_beside_the_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "mosquitto"
    program.touch(mode=0o755)
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setattr(mosquitto, "USUAL_PLACES", (str(tmp_path),))
    assert find_mosquitto() == str(program)


@pytest.mark.parametrize(
    ("last_line", "port", "told"),
    [
        ("Error: Address already in use", 1883, "port 1883 on 127.0.0.1, which is in use by another program"),
        ("Error: Cannot assign requested address", 1883, "an address of this machine"),
        ("Error: Permission denied", 80, "a port from 1024 on"),
        ("Error: Couldn't open database.", 1883, "Couldn't open database."),
        ("", 1883, "without a word"),
    ],
)
def test_what_kept_it_from_starting_is_told(last_line: str, port: int, told: str) -> None:
    assert told in str(start_error(Listener("127.0.0.1", port), last_line))


def test_nobody_else_can_read_its_files(tmp_path: Path) -> None:
    directory = tmp_path / "state" / "mosquitto"
    prepare(directory, GUARDED)
    assert mode(directory) == 0o700
    assert mode(directory.parent) == 0o700
    files = sorted(directory.iterdir())
    assert [file.name for file in files] == ["mosquitto.conf", "passwords"]
    assert {mode(file) for file in files} == {0o600}
    assert not any("s3cret" in file.read_text() for file in files)


def test_a_password_that_is_no_longer_wanted_goes(tmp_path: Path) -> None:
    prepare(tmp_path, GUARDED)
    prepare(tmp_path, LOCAL)
    assert [file.name for file in tmp_path.iterdir()] == ["mosquitto.conf"]


class TestAccount:
    """Whose process it is. `chown` is a fake: the tests need not be root."""

    @pytest.fixture
    def given(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        names: list[str] = []
        account = pwd.struct_passwd(("mosquitto", "x", 123, 456, "", "/", "/bin/false"))
        monkeypatch.setattr(os, "geteuid", lambda: 0)
        monkeypatch.setattr(pwd, "getpwnam", lambda _name: account)
        monkeypatch.setattr(os, "chown", lambda path, *_ids, **_options: names.append(Path(path).name))
        return names

    def test_root_gives_it_its_own_user_and_the_files(self, given: list[str], tmp_path: Path) -> None:
        account = prepare(tmp_path, GUARDED)
        assert account == mosquitto.Account(123, 456)
        assert sorted(given[1:]) == ["mosquitto.conf", "passwords"]
        assert "user root" not in (tmp_path / "mosquitto.conf").read_text()

    @pytest.mark.usefixtures("given")
    def test_without_such_a_user_it_is_root(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setattr(pwd, "getpwnam", {}.__getitem__)
        assert prepare(tmp_path, LOCAL) is None
        assert "user root" in (tmp_path / "mosquitto.conf").read_text()

    @pytest.mark.usefixtures("given")
    def test_where_files_cannot_be_given_away_it_is_root(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        def refuse(*_arguments: object, **_options: object) -> None:
            raise PermissionError

        monkeypatch.setattr(os, "chown", refuse)
        assert prepare(tmp_path, LOCAL) is None
        assert "user root" in (tmp_path / "mosquitto.conf").read_text()

    def test_anybody_else_stays_who_they_are(self, given: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setattr(os, "geteuid", lambda: 1000)
        assert prepare(tmp_path, LOCAL) is None
        assert given == []
        assert "user" not in (tmp_path / "mosquitto.conf").read_text().split()
