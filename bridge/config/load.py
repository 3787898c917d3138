"""Reads the configuration: option before environment variable before file before default."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from msgspec.structs import replace

from bridge.config.build import Builder, Given, unknown
from bridge.config.options import OPTIONS, PREFIX, VARIABLES
from bridge.config.section import walk
from bridge.config.values import Config
from bridge.errors import ConfigError

NOTHING: Mapping[str, Any] = MappingProxyType({})

SERVICE_LINK = re.compile(r"QYZN_BRIDGE_(SERVICE_(HOST|PORT(_.+)?)|PORT(_\d+_.+)?)")
"""What Kubernetes sets in containers when there is a service called qyzn-bridge. Not ours, and not a typing error."""

LONGEST_PASSWORD = 4096
"""Characters read of a password file: more is the wrong file."""


def load(path: Path | None = None, *, options: Mapping[str, Any] = NOTHING, environ: Mapping[str, str] = NOTHING) -> Config:
    """The configuration out of a TOML file, command line options by name (None: not given) and environment variables.

    Options that are not in OPTIONS are left to their owner. An empty variable counts as not set. A QYZN_BRIDGE_ variable that does
    not exist is an error, since it is a secret that would be missed. The password of a password_file ends up in `password`.

    Raises ConfigError (with no value that is secret in it).
    """
    raw = NOTHING if path is None else _read_toml(path)
    builder = Builder(None if path is None else str(path), _strongest(_from_environment(environ), _from_options(options)))
    return _with_password(builder.section(Config, raw), builder.where("mqtt.password_file"))


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8-sig"))
    except UnicodeDecodeError:
        raise ConfigError(str(path), "UTF-8 text", "other bytes") from None
    except (ValueError, RecursionError) as error:  # TOMLDecodeError is a ValueError; so is a number with too many digits
        raise ConfigError(str(path), "TOML", _in_lower_case(str(error))) from None
    except OSError as error:
        raise ConfigError(str(path), "a file that can be read", error.strerror) from None


def _in_lower_case(text: str) -> str:
    return text[:1].lower() + text[1:]


def _from_environment(environ: Mapping[str, str]) -> Iterator[tuple[str, Given]]:
    for name, value in environ.items():
        if name in VARIABLES:
            if value:
                yield VARIABLES[name], Given(value, name)
        elif name.startswith(PREFIX) and not SERVICE_LINK.fullmatch(name):
            raise unknown(name, "variable", name, list(VARIABLES))


def _from_options(options: Mapping[str, Any]) -> Iterator[tuple[str, Given]]:
    for option in OPTIONS:
        value = options.get(option.name)
        if value is not None and value != []:
            yield option.path, Given(value, f"--{option.name}")


def _strongest(*weakest_first: Iterator[tuple[str, Given]]) -> dict[str, Given]:
    """What is given, by key path: a stronger source's value, and nothing of what it displaces in weaker ones."""
    entries = dict(walk(Config))
    result: dict[str, Given] = {}
    for source in weakest_first:
        layer = dict(source)
        for path, given in layer.items():
            table = path.rpartition(".")[0]
            key = entries[path].key
            displaced = key.displaces(given.value) if key else ()
            result |= {f"{table}.{name}": Given(None, given.source) for name in displaced}
        result |= layer
    return result


def _with_password(config: Config, where: str) -> Config:
    path = config.mqtt.password_file
    if path is None:
        return config
    try:
        with path.open(encoding="utf-8") as file:
            password = file.read(LONGEST_PASSWORD + 1).rstrip("\r\n")
    except UnicodeDecodeError:
        raise ConfigError(where, "a file with a password in it", f"{path}, which is no UTF-8 text") from None
    except (OSError, ValueError) as error:
        raise ConfigError(where, "a file that can be read", f"{path} ({getattr(error, 'strerror', None) or error})") from None
    if not 0 < len(password) <= LONGEST_PASSWORD or "\0" in password:
        raise ConfigError(where, "a file with a password in it", f"{path}, which is {'too long' if password else 'empty'}")
    return replace(config, mqtt=replace(config.mqtt, password=password, password_file=None))
