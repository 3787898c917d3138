"""The options: what may be given, what is said about what may not, and what comes out."""

from __future__ import annotations

from pathlib import Path

import pytest
from twisted.application.service import MultiService
from twisted.internet.testing import MemoryReactorClock

from bridge import __version__
from bridge.catalogue import Result
from bridge.errors import ConfigError
from bridge.simulator import tap
from bridge.simulator.manners import Manners
from bridge.simulator.service import TerminalService


def options(*words: str) -> tap.Options:
    parsed = tap.Options()
    parsed.parseOptions(words)
    return parsed


def terminals(tmp_path: Path, *words: str) -> list[TerminalService]:
    made = tap._terminals(options("--state-dir", str(tmp_path), *words), MemoryReactorClock())
    assert isinstance(made, MultiService)
    return [service for service in made.services if isinstance(service, TerminalService)]


def test_defaults() -> None:
    given = options()
    assert given["connect"] == "tcp:127.0.0.1:8899"
    assert (given["count"], given["every"], given["seed"], given["busy"], given["mute"]) == (1, 10.0, None, 0, 0)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("--count", "x"), "--count: expected a whole number from 1 to 20000, got 'x'"),
        (("--count", "0"), "--count: expected a whole number from 1 to 20000, got '0'"),
        (("--first", "-1"), "--first: expected a whole number from 0 to 16757215, got '-1'"),
        (("--every", "nan"), "--every: expected seconds, 0 or 0.01 to 86400, got 'nan'"),
        (("--every", "1e-9"), "--every: expected seconds, 0 or 0.01 to 86400, got '1e-9'"),
        (("--ring", "often"), "--ring: expected seconds, 0 or 0.01 to 86400, got 'often'"),
        (("--scan", "-1"), "--scan: expected seconds, 0 or 0.01 to 86400, got '-1'"),
        (("--ring", "5", "--old-firmware"), "--ring: expected firmware that has an intercom, got --old-firmware"),
        (("--capacity", "many"), "--capacity: expected a whole number from 0 to 100000, got 'many'"),
        (("--busy-tries", "-1"), "--busy-tries: expected a whole number from 0 to 1000, got '-1'"),
        (("--slow-answers", "soon"), "--slow-answers: expected seconds, 0 or 0.01 to 86400, got 'soon'"),
        (("--picture-bytes", "-1"), "--picture-bytes: expected a whole number from 0 to 4000000, got '-1'"),
        (("--seed", "q"), "--seed: expected a whole number from 0 to 4294967296, got 'q'"),
        (("--serial-prefix", "a" * 29), f"--serial-prefix: expected serials of at most 32 printable bytes, got '{'a' * 29}0001'"),
        (("--serial-prefix", "a\n"), "--serial-prefix: expected serials of at most 32 printable bytes, got 'a\\n0001'"),
        (("--nonsense",), "command line: expected options that --help lists, got option --nonsense not recognized"),
        (("--count",), "command line: expected options that --help lists, got option --count requires argument"),
        (("word",), "command line: expected options and nothing else, got 'word'"),
    ],
)
def test_a_wrong_option_is_one_line_and_exit_code_78(words: tuple[str, ...], line: str, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exited:
        options(*words)
    assert exited.value.code == 78
    assert capfd.readouterr() == ("", f"qyzn-terminal: {line}\n")


@pytest.mark.parametrize("endpoint", ["nonsense", "tcp", "tcp:host", "tcp:host:port", "", "tcp:host:1:nonsense=1"])
def test_a_wrong_endpoint(endpoint: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--connect: expected a client endpoint, as in tcp:"):
        terminals(tmp_path, "--connect", endpoint)


def test_without_pillow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="Pillow: expected to be installed"):
        terminals(tmp_path)


def test_count_first_and_prefix(tmp_path: Path) -> None:
    made = terminals(tmp_path, "--count", "3", "--first", "9998", "--serial-prefix", "GATE")
    assert [service._terminal.identity.serial for service in made] == ["GATE9998", "GATE9999", "GATE10000"]
    assert [service._start_after_s for service in made] == [0, 0.005, 0.01]


def test_the_same_seed_makes_the_same_terminals(tmp_path: Path) -> None:
    def first_record(*words: str) -> object:
        terminal = terminals(tmp_path, *words)[0]._terminal
        terminal.wall = lambda: 0.0
        terminal.recognise()
        return terminal.records.oldest()

    assert first_record("--seed", "5") == first_record("--seed", "5")
    assert first_record("--seed", "5") != first_record("--seed", "6")
    assert first_record() != first_record()


def test_manners_and_interval(tmp_path: Path) -> None:
    [service] = terminals(tmp_path, "--busy", "--mute", "--slow-answers", "2.5", "--every", "0")
    around = service._around
    assert (around.manners.busy, around.manners.mute, around.manners.slow_s, around.every_s) == (True, True, 2.5, 0)


def test_more_manners(tmp_path: Path) -> None:
    words = ("--busy-tries", "2", "--old-firmware", "--table-spelling", "--no-card", "--scan", "7", "--flat", "12")
    [service] = terminals(tmp_path, *words)
    around = service._around
    assert around.manners == Manners(busy_tries=2, old=True, table_spelling=True, no_card=True)
    assert (around.every_s, around.ring_s, around.scan_s, around.flat) == (10, 0, 7, "12")
    assert terminals(tmp_path)[0]._around.manners == Manners()


def test_persons_survive_a_restart_up_to_the_capacity(tmp_path: Path) -> None:
    one, other = {"personId": "1", "name": "One"}, {"personId": "2"}
    [first] = terminals(tmp_path, "--capacity", "1")
    assert first._terminal.roster.add(one) is Result.SUCCESS
    assert first._terminal.roster.add(other) is Result.ADDING_USER_FAILED
    again, another = terminals(tmp_path, "--capacity", "2", "--count", "2")
    assert again._terminal.roster.add(one) is Result.OBJECT_EXISTS
    assert again._terminal.roster.add(other) is Result.SUCCESS
    assert len(another._terminal.roster) == 0, "each has its own"


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exited:
        options("--version")
    assert exited.value.code == 0
    assert capsys.readouterr().out.startswith(f"qyzn-terminal {__version__}, ")


def test_help_names_every_option(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exited:
        options("--help")
    assert exited.value.code in (0, None)
    shown = capsys.readouterr().out
    for name, *_ in tap.Options.optParameters + tap.Options.optFlags:
        assert f"--{name}" in shown
