"""Credentials on disk: they survive, and nobody else reads them."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from bridge.errors import ConfigError
from bridge.simulator.identity import Credentials
from bridge.simulator.state import CredentialFiles


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_credentials_survive(tmp_path: Path) -> None:
    CredentialFiles(tmp_path).save("DEMO0001", Credentials("u1", "p1"))
    CredentialFiles(tmp_path).save("DEMO0001", Credentials("u2", "p2"))
    assert CredentialFiles(tmp_path).load("DEMO0001") == Credentials("u2", "p2")
    assert CredentialFiles(tmp_path).load("DEMO0002") is None
    assert [path.name for path in tmp_path.iterdir()] == ["DEMO0001.json"]


def test_files_and_folders_are_private(tmp_path: Path) -> None:
    CredentialFiles(tmp_path / "a" / "b").save("DEMO0001", Credentials("u1", "p1"))
    assert mode(tmp_path / "a") == mode(tmp_path / "a" / "b") == 0o700
    assert mode(tmp_path / "a" / "b" / "DEMO0001.json") == 0o600


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"serial":"DEMO0001"}', b'{"serial":"OTHER","uuid":"u","passwd":"p"}', b"\xff"])
def test_what_cannot_be_read_is_as_good_as_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "DEMO0001.json").write_bytes(content)
    assert CredentialFiles(tmp_path).load("DEMO0001") is None


def test_a_serial_is_no_path(tmp_path: Path) -> None:
    files = CredentialFiles(tmp_path / "state")
    files.save("../x/y 1", Credentials("u1", "p1"))
    assert files.load("../x/y 1") == Credentials("u1", "p1")
    assert [path.name for path in tmp_path.iterdir()] == ["state"]


def test_a_draft_left_behind_by_a_crash_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "DEMO0001.new").write_bytes(b"half")
    files = CredentialFiles(tmp_path)
    files.save("DEMO0001", Credentials("u1", "p1"))
    assert files.load("DEMO0001") == Credentials("u1", "p1")


def test_a_directory_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(ConfigError, match="--state-dir: expected a directory that can be written"):
            CredentialFiles(path)
