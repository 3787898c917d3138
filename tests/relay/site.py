"""A bridge in memory: all its parts put together as they are when it runs, but for the broker, in whose place a test acknowledges,
refuses or goes away, and for the clocks, which stand still."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest
from twisted.internet.address import IPv4Address
from twisted.internet.defer import CancelledError, Deferred, fail, succeed
from twisted.internet.task import Clock

from bridge import rules
from bridge.composition import _Common, _hall, _relay
from bridge.config import Config
from bridge.errors import BrokerAway, BrokerFault, StorageFault
from bridge.mqtt.link import Link
from bridge.mqtt.message import BrokerLimits, Message, Publication
from bridge.mqtt.topics import Topics
from bridge.mqtt.window import Done
from bridge.outbox import Outbox
from bridge.outbox.outbox import ACKNOWLEDGED_AFTER_S
from bridge.registry import Registry, RegistryAdmission, Terms
from bridge.relay import outbox_news
from bridge.relay.claims import Claims
from bridge.relay.noticeboard import Noticeboard
from bridge.relay.replies import Replies
from bridge.roster import Roster
from bridge.session.admission import Attempt
from bridge.session.signs import login_sign, register_sign
from bridge.terminal.directory import Directory
from bridge.terminal.factory import TerminalFactory
from bridge.terminal.limits import Places
from tests.outbox.site import ManualThread
from tests.terminal.lobby import Guest, Said

WALL = 1_700_000_000.0
"""2023-11-14 22:13:20 UTC."""
NOW = "2023-11-14T22:13:20.000+00:00"
SNAPTIME = "2023-11-14 22:13:19"
MAC = "8CEC4B91040C"


@dataclass(eq=False)
class Sent:
    """A publication that the fake link was given, and what a test has done about it."""

    publication: Publication
    done: Deferred[None]
    link: FakeLink

    @property
    def is_waiting(self) -> bool:
        return not self.done.called and self in self.link.sent[self.link.room :]

    @property
    def topic(self) -> str:
        return self.publication.topic

    @property
    def json(self) -> Any:
        return json.loads(self.publication.payload)

    def acknowledge(self) -> None:
        self.done.callback(None)

    def refuse(self, fault: BrokerFault) -> None:
        self.done.errback(fault)


@dataclass
class FakeLink:
    """The broker's side. Everything is acknowledged at once unless `holds` is set."""

    is_up: bool = True
    limits: BrokerLimits | None = field(default_factory=lambda: BrokerLimits("5"))
    congested: bool = False
    holds: bool = False
    room: int = 1_000_000
    """How many are on their way at once; the others wait, and can be withdrawn."""
    sent: list[Sent] = field(default_factory=list)
    drained: list[Deferred[None]] = field(default_factory=list)
    redialled: list[str] = field(default_factory=list)
    retained_skipped: list[str] = field(default_factory=list)

    def publish(self, publication: Publication) -> Deferred[None]:
        if not self.is_up:
            return fail(BrokerAway("there is no connection to the broker"))
        sent = Sent(publication, Deferred(), self)
        self.sent.append(sent)
        if not self.holds:
            return succeed(None)
        return sent.done

    def send(self, publication: Publication, done: Done) -> Sent | None:
        published = self.publish(publication)
        sent = self.sent[-1] if self.is_up else None
        published.addCallbacks(done, lambda failure: failure.check(CancelledError) or done(failure.value))
        return sent

    def withdraw(self, *sent: Sent) -> None:
        for each in sent:
            each.done.cancel()

    def redial(self, reason: str) -> None:
        self.redialled.append(reason)

    def skip_retained(self, topic_filter: str) -> None:
        self.retained_skipped.append(topic_filter)

    def when_drained(self) -> Deferred[None]:
        drained: Deferred[None] = Deferred()
        if self.congested:
            self.drained.append(drained)
        else:
            drained.callback(None)
        return drained

    def drain(self) -> None:
        """The congestion is over."""
        self.congested = False
        drained, self.drained = self.drained, []
        for each in drained:
            each.callback(None)

    def go_down(self) -> None:
        """The connection is lost: what was not acknowledged never will be."""
        self.is_up, self.limits, sent, self.sent = False, None, self.sent, []
        for each in sent:
            if self.holds and not each.done.called:
                each.refuse(BrokerAway("lost"))

    def taken(self) -> list[Sent]:
        """What was published since last asked."""
        sent, self.sent = self.sent, []
        return sent

    def on(self, topic: str) -> list[Sent]:
        """What was published on a topic since last taken."""
        return [each for each in self.sent if each.topic == topic]


class Terminal(Guest):
    """A terminal that knows its secret."""

    def __init__(self, site: Site, serial: str, host: str = "192.0.2.7") -> None:
        self.serial = serial
        self.site = site
        self.uuid = self.passwd = ""
        super().__init__(cast("Any", site), site.factory.buildProtocol(IPv4Address("TCP", host, 50_000)))

    def register(self) -> Said:
        sign = register_sign(self.serial, MAC, "1")
        (said,) = self.say("register", {"serial": self.serial, "mac": MAC, "timestamp": "1", "sign": sign, "type": "KG02"})
        if said.body["result"] == 0:
            self.uuid, self.passwd = said.body["data"]["uuid"], said.body["data"]["passwd"]
        return said

    def log_in(self, version: str = "V1.0.0") -> Terminal:
        data = {"uuid": self.uuid, "timestamp": "1", "sign": login_sign(self.uuid, self.passwd, "1"), "version": version}
        (said,) = self.say("login", data)
        assert said.body["result"] == 0, said
        return self

    def again(self, host: str = "192.0.2.7") -> Terminal:
        """A new connection of the same terminal, before it has logged in."""
        other = Terminal(self.site, self.serial, host)
        other.uuid, other.passwd = self.uuid, self.passwd
        return other

    def recognise(self, *, sequence: int | None = None, **data: Any) -> list[Said]:
        return self.say("snapshot_face", {"personId": "p1", "result": 1, "snaptime": SNAPTIME, **data}, sequence=sequence)


class Site:
    """A bridge, its link and its terminals."""

    def __init__(self, state_dir: Path, config: dict[str, Any] | None = None) -> None:
        import msgspec

        self.config = msgspec.convert({"registration": {"policy": "open"}, "timezone": "UTC", **(config or {})}, Config)
        self.clock = Clock()
        self.wall_step_s = 0.0
        """How far the clock on the wall was set ahead."""
        self.link = FakeLink()
        self.registry = Registry.open(state_dir)
        self.topics = Topics(self.config.base_topic, self.config.instance, self.config.homeassistant.prefix)
        self.directory = Directory()
        self.admission = RegistryAdmission(self.registry, Terms.of(self.config), self._is_connected, self.wall, self.clock.seconds)
        link = cast("Link", self.link)
        self.disk = ManualThread()
        self.outbox = Outbox.open(state_dir, rules.of_the_outbox(self.config), self.clock, self.wall, self.disk, outbox_news.tell)
        common = _Common(
            reactor=self.clock,
            config=self.config,
            topics=self.topics,
            directory=self.directory,
            admission=self.admission,
            roster=Roster(self.registry, self.admission, self.directory, Claims(self.config.instance), self.wall),
            link=link,
            outbox=self.outbox,
            board=Noticeboard(link),
            replies=Replies(link, self.clock.seconds),
            places=Places(self.config.limits.connections, self.config.limits.connections_per_address),
            wall=self.wall,
        )
        self.relay = _relay(common)
        self.admission.observe(self.relay.changed)
        self.factory = TerminalFactory(_hall(common, self.relay))

    def wall(self) -> float:
        return WALL + self.clock.seconds() + self.wall_step_s

    def _is_connected(self, serial: str, attempt: Attempt) -> bool:
        return attempt.identified_as != serial and serial in self.directory

    def stop(self) -> None:
        """End it, and see that no timer is left."""
        self.factory.close_all("the test is over")
        self.relay.stop()
        for connection in list(self.factory._connections):
            connection.connectionLost()
        self.relay.dispatch.hurry()
        self.outbox.close()
        self.registry.close()
        assert self.clock.getDelayedCalls() == []

    @contextmanager
    def broken_disk(self) -> Iterator[None]:
        """Nothing can be written meanwhile."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(self.outbox, "add", lambda _: fail(StorageFault("the disk is full")))
            yield

    def wait(self, seconds: float) -> None:
        """Time passes, in steps of at most a second."""
        while seconds > 0:
            self.clock.advance(min(seconds, 1.0))
            seconds -= min(seconds, 1.0)

    def note(self) -> None:
        """What the broker has acknowledged is known to the outbox."""
        self.clock.advance(ACKNOWLEDGED_AFTER_S)

    # Terminals.

    def terminal(self, serial: str = "SN1") -> Terminal:
        """One that has registered, logged in, and been told of."""
        terminal = Terminal(self, serial)
        assert terminal.register().body["result"] == 0
        return terminal.log_in()

    # MQTT.

    def publish(self, topic: str, payload: Any = b"", **how: Any) -> None:
        """A message comes from the broker; what is not bytes is sent as JSON."""
        data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        self.relay.message(Message(topic, data, qos=1, **how))

    def command(self, name: str, payload: Any = b"", device: str = "SN1", **how: Any) -> None:
        self.publish(f"qyzn/{device}/command/{name}", payload, **how)

    def responses(self, name: str, device: str = "SN1") -> list[Any]:
        """The responses to a command since last taken."""
        return [each.json for each in self.link.on(f"qyzn/{device}/response/{name}")]

    def request(self, name: str, payload: Any = b"", **how: Any) -> Any:
        """Ask the bridge itself; returns its one response."""
        self.link.taken()
        self.publish(f"qyzn/bridge/request/{name}", payload, **how)
        (response,) = self.link.on(f"qyzn/bridge/response/{name}")
        return response.json

    def link_up(self, limits: BrokerLimits | None = None) -> None:
        self.link.is_up = True
        self.link.limits = limits or BrokerLimits("5")
        self.relay.link_up(self.link.limits)

    def news(self) -> list[tuple[str, dict[str, Any]]]:
        """The bridge's own events since last taken."""
        return [(each.json["type"], each.json["data"]) for each in self.link.on("qyzn/bridge/event")]


@contextmanager
def site_for(config: dict[str, Any] | None = None) -> Iterator[Site]:
    """A site in a directory of its own, for properties, which share no fixtures."""
    directory = Path(tempfile.mkdtemp(prefix="qyzn-site-"))
    site = Site(directory / "state", config)
    try:
        yield site
    finally:
        site.stop()
        shutil.rmtree(directory)
