"""The embedded broker's mosquitto: where its program is, what stands in its files, and what its last words mean. Works with 2.0 and 2.1."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import ipaddress
import os
import pwd
import re
import secrets
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bridge.errors import AddressUnavailable, ConfigError

WHERE: Final = "embedded broker"
USUAL_PLACES: Final = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin")  # often not in a user's PATH
HOW_TO_INSTALL: Final = "apt-get, dnf, apk, pacman or brew install mosquitto"

CONFIG_FILE: Final = "mosquitto.conf"
PASSWORD_FILE: Final = "passwords"  # noqa: S105 - a file's name
USER: Final = "mosquitto"  # the account that the operating system's package makes

MAX_PACKET_BYTES: Final = 32 * 1024 * 1024  # a terminal's largest frame is 8 MiB; 2.1 would stop at 2 MB
# A number, not 0 for "no limit": with 0, 2.0.16 delivers nothing and other versions up to 2.0.21 fall back to their default of 1000.
MAX_QUEUED_MESSAGES: Final = 1_000_000
MAX_INFLIGHT_MESSAGES: Final = 65_535  # all that MQTT has identifiers for
AUTOSAVE_S: Final = 60  # mosquitto's default of 30 minutes would be lost with the power
SESSION_EXPIRY: Final = "7d"  # else the queue of a client that never returns grows for ever
PASSWORD_ITERATIONS: Final = 10_000  # 5 ms for each connection, during which the broker does nothing else

HOST: Final = re.compile(r"[0-9A-Za-z.:%_-]+")


@dataclass(frozen=True, slots=True)
class Account:
    """The operating system's user and group that mosquitto runs as."""

    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Listener:
    """Where the broker listens, and whom it lets in: with `username` and `password` nobody else.

    ConfigError: reachable from other machines without a password, or something that mosquitto's files cannot hold.
    """

    host: str
    port: int
    username: str | None = None
    password: str | None = None

    def __post_init__(self) -> None:
        if not HOST.fullmatch(self.host):
            raise ConfigError(WHERE, "a host's name or IP address", repr(self.host))
        if (self.username is None) != (self.password is None):
            raise ConfigError(WHERE, "both a user name and a password, or neither")
        if self.username is not None and (not self.username or re.search(r"[:\s]", self.username)):
            raise ConfigError(WHERE, "a user name without colon and blanks", repr(self.username))
        if self.username is None and not is_loopback(self.host):
            wanted = f"a user and a password, as in embedded://USER:PASSWORD@{self.url_host}:{self.port}, because other machines reach it"
            raise ConfigError(WHERE, wanted, f"none for {self.url_host}")

    @property
    def url_host(self) -> str:
        """The host as it stands in a URL."""
        return f"[{self.host}]" if ":" in self.host else self.host


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches `host`. Another name than localhost counts as reachable, whatever it resolves to."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def find_mosquitto() -> str:
    """The program's path. ConfigError: not installed."""
    path = shutil.which("mosquitto", path=os.pathsep.join((os.environ.get("PATH", ""), *USUAL_PLACES)))
    if path is None:
        wanted = f"mosquitto to be installed ({HOW_TO_INSTALL}), or another broker's address, as in --mqtt mqtt://HOST:1883"
        raise ConfigError(WHERE, wanted, f"no mosquitto in PATH, {', '.join(USUAL_PLACES)}")
    return path


def config_text(listener: Listener, *, as_root: bool) -> str:
    """mosquitto.conf for a mosquitto that works in its own directory. `as_root`: it is started by root and must not change its user."""
    lines = ["# Written by qyzn-bridge at every start.", *(["user root"] if as_root else [])]
    lines += ["persistence true", "persistence_file mosquitto.db", f"autosave_interval {AUTOSAVE_S}"]
    lines += [f"persistent_client_expiration {SESSION_EXPIRY}", "set_tcp_nodelay true", f"max_packet_size {MAX_PACKET_BYTES}"]
    lines += [f"max_inflight_messages {MAX_INFLIGHT_MESSAGES}", f"max_queued_messages {MAX_QUEUED_MESSAGES}"]
    lines += ["max_inflight_bytes 0", "max_queued_bytes 0"]
    lines += ["log_dest stderr", "log_timestamp false", *(f"log_type {kind}" for kind in ("error", "warning", "notice", "information"))]
    lines += [f"listener {listener.port} {listener.host}"]
    lines += ["allow_anonymous true"] if listener.username is None else ["allow_anonymous false", f"password_file {PASSWORD_FILE}"]
    return "\n".join(lines) + "\n"


def password_line(username: str, password: str, salt: bytes) -> str:
    """A line of mosquitto's password file: PBKDF2-SHA512, which 2.0 and 2.1 both read."""
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, PASSWORD_ITERATIONS)
    return f"{username}:$7${PASSWORD_ITERATIONS}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}\n"


def prepare(directory: Path, listener: Listener) -> Account | None:
    """Write mosquitto's files into `directory`, which only its user can enter. Returns the account to run as; None: the bridge's own.

    A bridge that runs as root gives mosquitto, which parses what the network sends, the account `mosquitto`. Where there is none, or
    where files cannot be given away (a container without that capability), mosquitto runs as root. OSError: not writable.
    """
    directory.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    directory.mkdir(mode=0o700, exist_ok=True)
    directory.chmod(0o700)
    account = own_account()
    if account is not None and not _give(directory, account):
        account = None
    as_root = os.geteuid() == 0 and account is None
    _write(directory / CONFIG_FILE, config_text(listener, as_root=as_root))
    if listener.username is not None and listener.password is not None:
        _write(directory / PASSWORD_FILE, password_line(listener.username, listener.password, secrets.token_bytes(12)))
    else:
        (directory / PASSWORD_FILE).unlink(missing_ok=True)
    if account is not None:
        for file in directory.iterdir():
            _give(file, account)
    return account


def own_account() -> Account | None:
    """The account `mosquitto`, when the bridge is root and there is one."""
    if os.geteuid() == 0:
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(USER)
            return Account(entry.pw_uid, entry.pw_gid)
    return None


def start_error(listener: Listener, last_line: str) -> ConfigError:
    """What kept mosquitto from starting, told to the operator. `last_line`: the last that it wrote."""
    place = f"port {listener.port} on {listener.host}"
    if "Address already in use" in last_line:
        wanted = f"a free port, or --mqtt mqtt://{listener.url_host}:{listener.port} if that is the broker to use"
        return AddressUnavailable(WHERE, wanted, f"{place}, which is in use by another program")
    if "Cannot assign requested address" in last_line or "Can't assign requested address" in last_line:
        return AddressUnavailable(WHERE, "an address of this machine", listener.host)
    if "Permission denied" in last_line and listener.port < 1024:
        return ConfigError(WHERE, "a port from 1024 on, which needs no privilege", f"{place}: permission denied")
    return ConfigError(WHERE, "mosquitto to start", last_line.removeprefix("Error: ") or "an end without a word")


def _give(path: Path, account: Account) -> bool:
    try:
        os.chown(path, account.uid, account.gid, follow_symlinks=False)
    except PermissionError:
        return False
    return True


def _write(path: Path, text: str) -> None:
    """Replace the file whole, readable by nobody else. Never through a link that mosquitto's account may have laid."""
    descriptor, name = tempfile.mkstemp(dir=path.parent)  # mode 0600
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    Path(name).replace(path)
