"""The command line of `twistd qyzn-terminal`, and the place where simulated terminals are put together."""

from __future__ import annotations

import importlib.util
import math
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import Random, SystemRandom
from typing import Any, ClassVar, NoReturn

from twisted.application.service import IService, MultiService
from twisted.internet.endpoints import clientFromString
from twisted.internet.interfaces import IReactorCore, IStreamClientEndpoint
from twisted.python import usage

from ..errors import ConfigError
from ..exits import end_well_on_signals, or_exit, tell_version
from .manners import Manners

PROGRAM = "qyzn-terminal"
MOST_TERMINALS = 20_000
MOST_PICTURE_BYTES = 4_000_000
"""In base64 a third more, and still under the 8 MiB that a frame may have."""
LONGEST_SERIAL_BYTES = 32
"""Protocol section 4.2.2."""
MOST_PERSONS = 100_000
MOST_TRIES = 1000
SHORTEST_S, LONGEST_S = 0.01, 86_400.0
_APART_S = 0.005
"""Between the first dials of two terminals: a thousand SYNs at once would be dropped, and come back a second later."""


class Options(usage.Options):
    """Raises SystemExit, after one line on stderr, for what cannot be."""

    synopsis = "[options]"
    longdesc = (
        "QYZN face terminals in software. They register, log in, beat, recognise made-up people and those that were added, with a drawn "
        "picture, answer every command from what they keep, keep what was not acknowledged, and connect again when they are lost. "
        "They end with SIGINT or SIGTERM, after a logout. A command fails with 101 when it adds what is there, 105 for an unknown person, "
        "102 for an unknown face, 104 for data that the protocol does not allow, 107 with --no-card, 108 when there is no room (--capacity, three "
        "faces a person), 110 for a picture that cannot be decoded or holds the text NO-FACE; device_upgrade, which fetches nothing, with 200 for "
        "a URL without a file, 201 for a host under .invalid, 202 for a file whose name begins with missing, 203 with corrupt."
    )
    optParameters: ClassVar[list[list[str | None]]] = [
        ["connect", "c", "tcp:127.0.0.1:8899", "where the bridge listens: a Twisted client endpoint, as in tls:bridge.example:8899"],
        ["count", "n", "1", "how many terminals"],
        ["every", "e", "10", "seconds between two recognitions of one terminal, give or take a third; 0 for none"],
        ["serial-prefix", None, "DEMO", "what serials start with; the terminal's number follows, as in DEMO0001"],
        ["first", None, "1", "the number of the first terminal"],
        ["ring", None, "0", "seconds between two calls of one terminal at its intercom, give or take a third; 0 for none"],
        ["flat", None, "304", "the flat that is called"],
        ["scan", None, "0", "seconds between two codes that are held before one terminal, give or take a third; 0 for none"],
        ["state-dir", None, "state/terminals", "where each terminal keeps its credentials, persons and set-up; made when missing"],
        ["picture-bytes", None, "20000", "about how large pictures are; they never come out under a few thousand bytes"],
        ["seed", None, None, "a whole number: people, pictures and intervals are then the same in each run"],
        ["capacity", None, "1000", "how many persons a terminal has room for"],
        ["slow-answers", None, "0", "seconds that pass before a command is answered"],
        ["busy-tries", None, "0", "how often each command is answered with 109 before it is done"],
    ]
    optFlags: ClassVar[list[list[str | None]]] = [
        ["busy", None, "answer every command with 109: busy, try again in 3 s"],
        ["mute", None, "never answer a command"],
        ["no-card", None, "nobody shows a card: swiping_card ends with 107 when its time is up"],
        ["old-firmware", None, "know what the protocol's version 2 knew: no add_person_face, pass rules, configuration or re-sends (103)"],
        ["table-spelling", None, "know online_open_door as online_openDoor alone, as the protocol's table has it (103)"],
    ]

    def opt_version(self) -> NoReturn:
        """Print the version of the bridge, and of Twisted."""
        tell_version(PROGRAM)

    def parseOptions(self, options: Sequence[str] | None = None) -> None:
        or_exit(PROGRAM, lambda: self._parse(options))

    def _parse(self, options: Sequence[str] | None) -> None:
        try:
            super().parseOptions(options)
        except usage.UsageError as error:
            raise ConfigError("command line", "options that --help lists", str(error)) from None

    def parseArgs(self, *arguments: str) -> None:
        if arguments:
            raise ConfigError("command line", "options and nothing else", repr(arguments[0]))

    def postOptions(self) -> None:
        self["count"] = _whole(self, "count", 1, MOST_TERMINALS)
        self["first"] = _whole(self, "first", 0, 0xFFFFFF - MOST_TERMINALS)
        for name in ("every", "ring", "scan", "slow-answers"):
            self[name] = _seconds(self, name)
        self["picture-bytes"] = _whole(self, "picture-bytes", 0, MOST_PICTURE_BYTES)
        self["capacity"] = _whole(self, "capacity", 0, MOST_PERSONS)
        self["busy-tries"] = _whole(self, "busy-tries", 0, MOST_TRIES)
        if self["ring"] and self["old-firmware"]:
            raise ConfigError("--ring", "firmware that has an intercom", "--old-firmware")
        if self["seed"] is not None:
            self["seed"] = _whole(self, "seed", 0, 2**32)
        longest = f"{self['serial-prefix']}{self['first'] + self['count'] - 1:04d}"
        if len(longest.encode("utf-8", "replace")) > LONGEST_SERIAL_BYTES or not longest.isprintable():
            raise ConfigError("--serial-prefix", f"serials of at most {LONGEST_SERIAL_BYTES} printable bytes", repr(longest))


def _whole(options: Options, name: str, low: int, high: int) -> int:
    try:
        value = int(options[name])
    except ValueError:
        value = low - 1
    if not low <= value <= high:
        raise ConfigError(f"--{name}", f"a whole number from {low} to {high}", repr(options[name]))
    return value


def _seconds(options: Options, name: str) -> float:
    try:
        value = float(options[name])
    except ValueError:
        value = math.nan
    if value != 0 and not SHORTEST_S <= value <= LONGEST_S:
        raise ConfigError(f"--{name}", f"seconds, 0 or {SHORTEST_S:g} to {LONGEST_S:g}", repr(options[name]))
    return value


def makeService(options: Options) -> IService:
    """The terminals, ready to start. Exits with one line when the machine does not have what they need."""
    from twisted.internet import reactor

    return or_exit(PROGRAM, lambda: _run(options, reactor))


def _run(options: Options, reactor: Any) -> IService:
    terminals = _terminals(options, reactor)
    # Twisted's reactor measures delays by the wall clock. Ours must neither fire at once nor wait an hour when that is stepped.
    reactor.seconds = time.monotonic
    IReactorCore(reactor).addSystemEventTrigger("after", "startup", end_well_on_signals, reactor)
    return terminals


def _terminals(options: Options, reactor: Any) -> MultiService:
    if importlib.util.find_spec("PIL") is None:
        raise ConfigError("Pillow", "to be installed, since it draws the pictures: pip install 'qyzn-bridge[simulator]'")
    from .identity import numbered
    from .pictures import Camera
    from .service import Surroundings, TerminalService
    from .shelf import FileShelf
    from .state import CredentialFiles
    from .terminal import Terminal

    directory = Path(options["state-dir"])
    files = CredentialFiles(directory)
    endpoint = _endpoint(reactor, options["connect"])
    rhythms = (options["every"], options["ring"], options["scan"])
    surroundings = Surroundings(reactor, endpoint, files.save, _manners(options), *rhythms, options["flat"])
    seed = SystemRandom().getrandbits(64) if options["seed"] is None else options["seed"]
    terminals = MultiService()
    for index in range(options["count"]):
        identity = numbered(options["serial-prefix"], options["first"] + index)
        random = Random(f"{seed} {identity.serial}")
        camera = Camera(identity.serial, options["picture-bytes"], random)
        shelf = FileShelf.of(directory, identity.serial)
        known = files.load(identity.serial)
        terminal = Terminal(identity, known, camera, time.time, random, _local_offset_s(), shelf, options["capacity"])
        TerminalService(surroundings, terminal, random, index * _APART_S).setServiceParent(terminals)
    return terminals


def _manners(options: Options) -> Manners:
    return Manners(
        slow_s=options["slow-answers"],
        busy=bool(options["busy"]),
        mute=bool(options["mute"]),
        busy_tries=options["busy-tries"],
        old=bool(options["old-firmware"]),
        table_spelling=bool(options["table-spelling"]),
        no_card=bool(options["no-card"]),
    )


def _endpoint(reactor: Any, description: str) -> IStreamClientEndpoint:
    try:
        endpoint: IStreamClientEndpoint = clientFromString(reactor, description)
    except (ValueError, TypeError, KeyError, IndexError, OSError, ImportError):
        raise ConfigError("--connect", "a client endpoint, as in tcp:127.0.0.1:8899", repr(description)) from None
    return endpoint


def _local_offset_s() -> float:
    """A terminal that nobody has told the time shows the machine's."""
    offset = datetime.now(UTC).astimezone().utcoffset()
    return 0.0 if offset is None else offset.total_seconds()
