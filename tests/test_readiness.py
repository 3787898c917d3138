"""What a supervisor is told."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.readiness import notify


@pytest.fixture
def supervisor() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.settimeout(5)
        yield listening


def test_one_datagram_to_who_asked(supervisor: socket.socket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    supervisor.bind(str(tmp_path / "notify"))
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    notify("READY=1")
    assert supervisor.recv(100) == b"READY=1"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has abstract sockets")
def test_an_abstract_socket(supervisor: socket.socket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"qyzn-{tmp_path}"
    supervisor.bind(f"\0{name}")
    monkeypatch.setenv("NOTIFY_SOCKET", f"@{name}")
    notify("STOPPING=1")
    assert supervisor.recv(100) == b"STOPPING=1"


@pytest.mark.parametrize("unset", [True, False])
def test_nothing_without_one(monkeypatch: pytest.MonkeyPatch, unset: bool) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False) if unset else monkeypatch.setenv("NOTIFY_SOCKET", "")
    notify("READY=1")


def test_a_supervisor_that_is_gone_or_busy_stops_nothing(
    supervisor: socket.socket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bridge works all the same, and the supervisor acts on its own time-out."""
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "nowhere"))
    notify("READY=1")
    supervisor.bind(str(tmp_path / "busy"))
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "busy"))
    for _ in range(1_000):  # more than its queue takes, unread
        notify("WATCHDOG=1")
