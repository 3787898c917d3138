from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from twisted.logger import capturedLogs, formatEvent

from bridge.errors import ConfigError
from bridge.registry import Registry
from bridge.registry.files import DirectoryLock, private_directory, private_file, shut_out_others
from tests.registry.site import known_terminal, modes

HOLDER = """
import sys
from pathlib import Path
from bridge.registry import Registry
registry = Registry.open(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o177])
def test_nobody_else_may_read_anything(state_dir: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        registry = Registry.open(state_dir)
        registry.put(known_terminal(secret="s" * 16))
        found = modes(state_dir)
        directory_mode = state_dir.stat().st_mode & 0o777
        registry.close()
    finally:
        os.umask(before)
    assert directory_mode == 0o700
    assert found.keys() >= {"lock", "registry.sqlite3", "registry.sqlite3-wal"}
    assert set(found.values()) == {0o600}


def test_files_that_were_open_to_others_are_closed_to_them(state_dir: Path) -> None:
    Registry.open(state_dir).close()
    wal = state_dir / "registry.sqlite3-wal"
    wal.touch()
    for path in state_dir.iterdir():
        path.chmod(0o644)
    registry = Registry.open(state_dir)
    assert set(modes(state_dir).values()) == {0o600}
    registry.close()


def test_a_directory_that_exists_is_left_as_it_is(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    private_directory(tmp_path)
    assert tmp_path.stat().st_mode & 0o777 == 0o755


def shut_out(directory: Path) -> tuple[int, list[str]]:
    """The directory's mode afterwards, and what was told."""
    with capturedLogs() as told:
        shut_out_others(directory)
    return directory.stat().st_mode & 0o777, [formatEvent(each) for each in told]


@pytest.mark.parametrize("mode", [0o755, 0o750, 0o777, 0o700])
def test_a_state_directory_that_was_open_to_others_is_closed_to_them(state_dir: Path, mode: int) -> None:
    Registry.open(state_dir).close()
    (state_dir / "outbox.sqlite3-wal").touch()
    (state_dir / "broker").mkdir()
    state_dir.chmod(mode)
    assert shut_out(state_dir) == (0o700, [])


def test_it_is_closed_at_the_start(state_dir: Path) -> None:
    state_dir.mkdir(mode=0o755)
    Registry.open(state_dir).close()
    assert state_dir.stat().st_mode & 0o777 == 0o700


def test_a_directory_that_is_others_too_is_left_as_it_is_and_told_of(state_dir: Path) -> None:
    Registry.open(state_dir).close()
    (state_dir / "holiday.jpg").touch()
    state_dir.chmod(0o1777)
    mode, (line,) = shut_out(state_dir)
    assert mode == 0o777
    assert f"may look into the state directory {state_dir} (mode 1777)" in line


def test_somebody_elses_directory_is_told_of(state_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state_dir.mkdir(mode=0o755)
    monkeypatch.setattr("os.geteuid", lambda: state_dir.stat().st_uid + 1)
    mode, lines = shut_out(state_dir)
    assert (mode, len(lines)) == (0o755, 1)


def test_the_way_to_the_directory_is_made(tmp_path: Path) -> None:
    private_directory(tmp_path / "var" / "lib" / "bridge")
    assert (tmp_path / "var" / "lib" / "bridge").is_dir()


def test_a_file_where_the_directory_should_be(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    with pytest.raises(ConfigError, match="state: expected a state directory, got a file"):
        private_directory(tmp_path / "state")


def test_a_directory_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("")
    with pytest.raises(ConfigError, match="expected a state directory that can be created"):
        private_directory(tmp_path / "var" / "state")


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("")
    (tmp_path / "lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigError, match="expected a file that the bridge can write"):
        private_file(tmp_path / "lock")


def test_the_lock_keeps_a_second_one_out_until_it_is_released(tmp_path: Path) -> None:
    lock = DirectoryLock(tmp_path)
    with pytest.raises(ConfigError, match=rf"^{tmp_path}: expected a state directory .*, got one in use by process {os.getpid()}$"):
        DirectoryLock(tmp_path)
    lock.release()
    lock.release()
    DirectoryLock(tmp_path).release()


def test_another_bridge_uses_the_directory_until_it_dies(state_dir: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLDER, state_dir], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"ready\n"
        with pytest.raises(ConfigError, match=f"got one in use by process {holder.pid}$") as caught:
            Registry.open(state_dir)
        assert "\n" not in str(caught.value)
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    Registry.open(state_dir).close()
