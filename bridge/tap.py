"""The command line of `twistd qyzn-bridge`."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar, NoReturn

from msgspec.structs import replace
from twisted.application.service import IService
from twisted.internet.endpoints import serverFromString
from twisted.internet.interfaces import IReactorCore, IStreamServerEndpoint
from twisted.logger import Logger
from twisted.python import usage

from bridge.catalogue import COMMANDS
from bridge.config import OPTIONS, Config, Option, load
from bridge.config.build import unknown
from bridge.config.shapes import has_password
from bridge.descriptors import room_for
from bridge.errors import BridgeError, BrokerRefused, ConfigError
from bridge.exits import (
    MISCONFIGURED,
    end_well_on_signals,
    exit_code,
    fail_at_exit,
    is_stderr_seen,
    or_exit,
    say,
    stop_reactor,
    tell_version,
)
from bridge.mqtt.address import parse_address
from bridge.mqtt.dialling import TAKEN_OVER
from bridge.mqtt.privacy import ALWAYS_THERE, fields_of_events
from bridge.mqtt.topics import WORDS
from bridge.service import BridgeService
from bridge.terminal.proxied import PROXIED
from bridge.terminal.tls import TLS_ERRORS, words_of

PROGRAM = "qyzn-bridge"
BACKLOG = 1000
"""So many connections may wait to be accepted: a whole site that connects anew at once. Of Twisted's 50, the others would be seconds late."""
_log = Logger(PROGRAM)


def _collector(option: Option) -> Callable[[usage.Options, str], None]:
    """The method by which usage.Options takes an option that may be given several times."""

    def take(self: usage.Options, value: str) -> None:
        self.setdefault(option.name, []).append(value)

    take.__doc__ = f"{option.help} May be given several times."
    return take


def _switch(option: Option, value: bool) -> Callable[[usage.Options], None]:
    """The method by which usage.Options takes `--name`, or `--no-name`."""

    def take(self: usage.Options) -> None:
        self[option.name] = value

    take.__doc__ = option.help if value else f"The opposite of --{option.name}."
    return take


class Options(usage.Options):
    """The configuration's options and --config. Raises SystemExit, after one line on stderr, for what cannot be."""

    synopsis = "[options]"
    longdesc = "Terminates the connections of QYZN face terminals and speaks MQTT for them. Every setting is in the sample configuration."
    optParameters: ClassVar = [
        ["config", "c", None, "The configuration, a TOML file."],
        *([option.name, None, None, option.help] for option in OPTIONS if not option.repeatable and not option.switch),
    ]
    for _option in OPTIONS:
        if _option.repeatable:
            locals()[f"opt_{_option.name.replace('-', '_')}"] = _collector(_option)
        if _option.switch:
            locals()[f"opt_{_option.name.replace('-', '_')}"] = _switch(_option, True)
            locals()[f"opt_no_{_option.name.replace('-', '_')}"] = _switch(_option, False)
    del _option

    def opt_version(self) -> NoReturn:
        """Print the version of the bridge, and of Twisted."""
        tell_version(PROGRAM)

    def parseOptions(self, options: Sequence[str] | None = None) -> None:
        """Read the command line, and then the configuration, which is in `config_values`."""
        or_exit(PROGRAM, lambda: self._parse(options))

    def _parse(self, options: Sequence[str] | None) -> None:
        try:
            super().parseOptions(options)
        except usage.UsageError as error:
            raise ConfigError("command line", "options that --help lists", str(error)) from None

    def parseArgs(self, *arguments: str) -> None:
        """There are options and nothing else."""
        if arguments:
            raise ConfigError("command line", "options and nothing else", repr(arguments[0]))

    def postOptions(self) -> None:
        """Load the configuration."""
        path = Path(self["config"]) if self["config"] is not None else None
        self.config_values: Config = load(path, options=dict(self), environ=os.environ)
        _check_instance(self.config_values.instance, "--instance" if self["instance"] else "instance")
        _check_names(self.config_values)


def _check_instance(instance: str, where: str) -> None:
    """Its topics must be nobody else's. `where` it was given."""
    if instance in WORDS:
        raise ConfigError(where, 'a name that no topic has as a level, such as "north"', f'"{instance}"')


def _check_names(config: Config) -> None:
    """What the configuration says of messages must be about messages that there are: a typo must not quietly allow or publish."""
    for name in config.commands.deny:
        if name not in COMMANDS:
            raise ConfigError("commands.deny", unknown("", "command", name, list(COMMANDS)).expected, f'"{name}"')

    for name in config.privacy.omit:
        if name in ALWAYS_THERE:
            raise ConfigError("privacy.omit", "fields that events can do without", f'"{name}"')
        if name not in fields_of_events():
            expected = unknown("", "field", name, sorted(fields_of_events())).expected
            _log.warn('privacy.omit: "{name}" is no field that the bridge knows; expected {expected}', name=name, expected=expected)


def makeService(options: Options) -> IService:
    """The bridge, ready to start. Exits with one line for what can be known to be wrong before that."""
    from twisted.internet import reactor

    if has_password(options["mqtt"] or ""):
        _log.warn(
            "the broker's password stands on the command line, where every user of this machine can read it: better in"
            " QYZN_BRIDGE_MQTT_PASSWORD or mqtt.password_file"
        )
    return or_exit(PROGRAM, lambda: _bridge(reactor, options.config_values, "--mqtt" if options["mqtt"] else "mqtt.url"))


def _bridge(reactor: Any, config: Config, where: str = "mqtt.url") -> BridgeService:
    """`where` the broker's address was given."""
    address = parse_address(config.mqtt.url, where)
    endpoints = {description: _endpoint(reactor, description) for description in config.listen}
    # Twisted's reactor measures delays by the wall clock. Ours must neither fire at once nor wait an hour when that is stepped.
    reactor.seconds = time.monotonic
    IReactorCore(reactor).addSystemEventTrigger("after", "startup", end_well_on_signals, reactor)

    def fatal(error: BridgeError) -> None:
        if is_stderr_seen():
            say(PROGRAM, error)
        else:
            _log.critical("{reason}", reason=str(error))
        fail_at_exit(_exit_code(error))
        reactor.callLater(0, stop_reactor, reactor)

    return BridgeService(reactor, _with_room(config), address, endpoints, fatal)


def _exit_code(error: BridgeError) -> int:
    """A bridge that another one with its client id drove out would, started again, drive out that one, and so on."""
    is_driven_out = isinstance(error, BrokerRefused) and error.code == TAKEN_OVER
    return MISCONFIGURED if is_driven_out else exit_code(error)


def _with_backlog(description: str) -> str:
    """The same endpoint with BACKLOG, where it has one and says nothing of it."""
    kind, _, rest = description.partition(":")
    positional = [part for part in re.split(r"(?<!\\):", rest) if "=" not in part]
    if kind in {"tcp", "tcp6", "ssl", "mtls"} and "backlog=" not in rest and len(positional) <= 1:
        return f"{description}:backlog={BACKLOG}"
    return description


def _with_room(config: Config) -> Config:
    """The same, with as many connections as the system allows."""
    wanted = config.limits.connections
    room = room_for(wanted)
    if room < wanted:
        _log.warn(
            "limits.connections is {wanted}, and the system's limit of open files allows {room}: raise it (LimitNOFILE in a systemd unit,"
            " ulimit -n in a shell) if there are to be more",
            wanted=wanted,
            room=room,
        )
    return replace(config, limits=replace(config.limits, connections=room))


def _endpoint(reactor: Any, description: str) -> IStreamServerEndpoint:
    try:
        endpoint: IStreamServerEndpoint = serverFromString(reactor, _with_backlog(description.removeprefix(PROXIED)))
    except (ValueError, TypeError, KeyError, IndexError, OSError, ImportError, *TLS_ERRORS) as error:
        raise ConfigError("listen", 'a Twisted server endpoint, as in "tcp:8899"', f"{description} ({_why(error)})") from None
    return endpoint


def _why(error: Exception) -> str:
    """What is wrong with an endpoint's description, where Python would speak of itself."""
    words = words_of(error)
    if isinstance(error, TypeError):
        return f"not the arguments that it takes: {words.partition(') ')[2] or words}"
    if isinstance(error, IndexError):
        return "no such socket was passed to the bridge"
    return "its port is no number" if words.startswith("invalid literal for int()") else words
