"""Where the broker is: the URL of `--mqtt` and `mqtt.url` as a value."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal, cast
from urllib.parse import SplitResult, unquote, urlsplit

from bridge.errors import ConfigError

Scheme = Literal["mqtt", "mqtts", "mqtt+unix", "embedded"]

DEFAULT_PORTS: Final[dict[str, int]] = {"mqtt": 1883, "mqtts": 8883, "embedded": 1883}
DEFAULT_HOST: Final = "127.0.0.1"  # of `embedded://` alone; the others must name theirs
UNIX: Final = "mqtt+unix"
FORMS: Final = "mqtt://[user:password@]host[:port], mqtts://…, mqtt+unix:///path or embedded://host[:port]"


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """A broker's address. `path` is set for mqtt+unix, `host` and `port` for the others. Its `str` shows no user and no password."""

    scheme: Scheme
    host: str = ""
    port: int = 0
    path: str = ""
    username: str | None = None
    password: str | None = field(default=None, repr=False)

    @property
    def is_secure(self) -> bool:
        """Whether TLS is spoken."""
        return self.scheme == "mqtts"

    def __str__(self) -> str:
        if self.scheme == UNIX:
            return f"{self.scheme}://{self.path}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


def parse_address(url: str, where: str = "mqtt.url") -> BrokerAddress:
    """Read a broker's URL; user and password may be percent-encoded. ConfigError names `where`, and never repeats the password."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:  # brackets of an IPv6 address, or a port that is no number; its text may hold a password
        raise ConfigError(where, FORMS, "a URL with a wrong host or port") from None
    if parts.scheme == UNIX:
        return _unix_address(parts, where)
    if parts.scheme not in DEFAULT_PORTS:
        raise ConfigError(where, FORMS, _shown(parts))
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ConfigError(where, "nothing after host and port", _shown(parts))
    host = parts.hostname or (DEFAULT_HOST if parts.scheme == "embedded" else "")
    if not host or port == 0:
        raise ConfigError(where, FORMS, _shown(parts))
    username, password = _credentials(parts, where)
    scheme = cast("Scheme", parts.scheme)
    return BrokerAddress(scheme, host, port or DEFAULT_PORTS[scheme], username=username, password=password)


def _unix_address(parts: SplitResult, where: str) -> BrokerAddress:
    if parts.hostname or not parts.path.startswith("/") or parts.query or parts.fragment:
        raise ConfigError(where, "mqtt+unix:///path with an absolute path", _shown(parts))
    username, password = _credentials(parts, where)
    return BrokerAddress("mqtt+unix", path=unquote(parts.path), username=username, password=password)


def _credentials(parts: SplitResult, where: str) -> tuple[str | None, str | None]:
    if parts.password is not None and not parts.username:
        raise ConfigError(where, "a user name before the password", _shown(parts))
    username = unquote(parts.username) if parts.username else None
    return username, None if parts.password is None else unquote(parts.password)


def _shown(parts: SplitResult) -> str:
    """The URL as it may stand in an error: whatever is before the last @ of a part may be a password, and is left out."""
    place, path = parts.netloc.rpartition("@")[2], parts.path.rpartition("@")[2]
    return f"{parts.scheme}://{place}{path}" if parts.scheme else repr(path)
