"""The systemd unit in etc/: what it says agrees with the bridge, and the bridge starts as it says."""

from __future__ import annotations

import shlex
import shutil
import socket
import subprocess
import sys
from configparser import RawConfigParser
from pathlib import Path

import pytest

from bridge.config import Config
from bridge.descriptors import SPARE
from bridge.exits import MISCONFIGURED
from tests.integration.bridge_process import ROOT, STOP_S, Program
from tests.integration.broker import LOOPBACK, free_port

pytestmark = pytest.mark.integration

UNIT = ROOT / "etc" / "qyzn-bridge.service"
TWISTD = "/opt/qyzn-bridge/bin/twistd"
MOST_EXPOSED = 20
"""What `systemd-analyze security` may make of it, in tenths of its points."""


@pytest.fixture
def service() -> dict[str, str]:
    parser = RawConfigParser(strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(UNIT)
    return dict(parser["Service"])


def test_it_agrees_with_the_bridge(service: dict[str, str]) -> None:
    assert service["Type"] == "notify"
    assert service["KillMode"] == "mixed", "the embedded broker is the bridge's to end"
    assert int(service["TimeoutStopSec"]) > STOP_S
    assert int(service["RestartPreventExitStatus"]) == MISCONFIGURED
    assert int(service["LimitNOFILE"]) >= Config().limits.connections + SPARE


def test_the_bridge_starts_as_it_says(service: dict[str, str], tmp_path: Path) -> None:
    program, *words = shlex.split(service["ExecStart"])
    assert (program, words[:3]) == (TWISTD, ["-n", "--pidfile=", "qyzn-bridge"])
    assert "qyzn-bridge.toml:/etc/qyzn-bridge.toml" in service["LoadCredential"]
    credentials, private = tmp_path / "credentials", tmp_path / "private"
    credentials.mkdir()
    (credentials / "qyzn-bridge.toml").write_text(
        f'listen = ["tcp:0:interface={LOOPBACK}"]\n[mqtt]\nurl = "embedded://{LOOPBACK}:{free_port()}"\n'
    )
    private.mkdir(mode=0o700)
    (tmp_path / "state").symlink_to(private)  # as with DynamicUser
    given = {
        "CREDENTIALS_DIRECTORY": str(credentials),
        "STATE_DIRECTORY": str(tmp_path / "state"),
        "NOTIFY_SOCKET": str(tmp_path / "notify"),
    }
    for name, value in given.items():
        words = [word.replace(f"${{{name}}}", value) for word in words]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        supervisor.bind(given["NOTIFY_SOCKET"])
        supervisor.settimeout(10)
        bridge = Program(tmp_path, "qyzn-bridge", words[3:], environment=given)
        try:
            assert supervisor.recv(100) == b"READY=1", bridge.errors
            assert (private / "registry.sqlite3").exists()
        finally:
            bridge.stop()


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_finds_nothing_wrong_with_it(tmp_path: Path) -> None:
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace(TWISTD, sys.executable))  # it looks for the program
    for command in (["verify"], ["security", "--offline=true", f"--threshold={MOST_EXPOSED}", "--no-pager"]):
        ended = subprocess.run(["systemd-analyze", *command, str(unit)], capture_output=True, text=True, check=False)
        assert (ended.returncode, ended.stderr) == (0, ""), ended.stdout
