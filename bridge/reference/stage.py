"""The parts of the relay that speak of the bridge itself, on a stage without a broker, so that examples are what they really say."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import msgspec
from msgspec.structs import replace
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock

from bridge.config import Config, redacted
from bridge.mqtt.message import BrokerLimits, Message, Publication
from bridge.mqtt.topics import BROKER_VERSION, RequestTopic
from bridge.mqtt.window import Done
from bridge.outbox import Checkpoint
from bridge.reference.channel import DEVICE, REAL
from bridge.reference.happenings import BRIDGE_EVENTS, sample_of
from bridge.reference.samples import NAME, TRANSACTION, WALL, ZONE
from bridge.registry import KnownTerminal, RegistryAdmission
from bridge.relay.bridge_events import BridgeEvents
from bridge.relay.checkpoints import EVERY_S, Checkpoints
from bridge.relay.claims import Claims
from bridge.relay.condition import Condition, SetUp, Traffic
from bridge.relay.noticeboard import Noticeboard
from bridge.relay.presence import Counters, Moments, Presence
from bridge.relay.replies import Replies
from bridge.relay.requests import OfNothing, Request, RequestRelay, admission_requests, rediscover_request
from bridge.session.admission import Identity
from bridge.terminal.protocol import TerminalProtocol

ADDRESS = "192.168.1.20"
MAC, MODEL, FIRMWARE = "0064871ECB01", "HG02", "V1.0.0"
UPTIME_S = 86_400.0
RSS_BYTES = 64 * 1024 * 1024
KNOWN = KnownTerminal(
    serial=DEVICE,
    status="approved",
    mac=MAC,
    mac_since=WALL,
    first_seen=WALL,
    last_seen=WALL,
    model=MODEL,
    firmware=FIRMWARE,
    name=NAME,
    address=ADDRESS,
)


class RecordingOutlet:
    """A broker that takes everything."""

    is_up = True
    congested = False
    limits: BrokerLimits | None = BrokerLimits("5", receive_maximum=100)

    def __init__(self) -> None:
        self.published: list[Publication] = []

    def publish(self, publication: Publication) -> Deferred[None]:
        """Never fails."""
        self.published.append(publication)
        return succeed(None)

    def send(self, publication: Publication, done: Done) -> None:
        """As `publish`."""
        self.published.append(publication)
        done(None)

    def withdraw(self, *sent: object) -> None:
        """Nothing waits."""

    def when_drained(self) -> Deferred[None]:
        """Never fails."""
        return succeed(None)


OUTBOX = {
    "events": 2,
    "bytes": 131_072,
    "oldest_age_s": 12.5,
    "events_dropped": {},
    "pictures_dropped": {},
    "files_set_aside": 0,
    "fault": None,
    "copies": {"events": 140, "bytes": 7_340_032, "dropped": 0},
}


class Stage:
    """The parts, and what they have published."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.permit_join_until: float | None = None
        self.outlet = RecordingOutlet()
        self.board = Noticeboard(self.outlet)
        self.presence = self._presence()
        self.condition = self._condition()
        self.requests = self._requests()

    def _presence(self) -> Presence:
        moments = Moments(lambda: WALL, ZONE)
        return Presence(
            clock=self.clock,
            board=self.board,
            topics=REAL,
            moments=moments,
            instance="",
            known=lambda: [KNOWN],
            name_of=lambda serial: NAME,
            is_live=lambda serial: True,
            heard=lambda serial: None,
            tell=BridgeEvents(self.outlet, REAL.bridge_event, moments.now, self.clock.seconds).tell,
            claims=Claims(""),
        )

    def _condition(self) -> Condition:
        config = Config()
        return Condition(
            clock=self.clock,
            outlet=self.outlet,
            board=self.board,
            topics=REAL,
            moments=Moments(lambda: WALL, ZONE),
            set_up=SetUp("", tuple(config.listen), redacted(config)),
            presence=self.presence,
            permit_join_until=lambda: self.permit_join_until,
            outbox_health=lambda: OUTBOX,
            traffic=lambda: Traffic(1, {"pending": 2, "faulted": 1}),
        )

    def _requests(self) -> dict[str, Request]:
        admission = SimpleNamespace(
            permit_join=lambda time: setattr(self, "permit_join_until", WALL + time),
            approve=lambda serial, name, mac: KNOWN,
            block=lambda serial: replace(KNOWN, status="blocked"),
            remove=lambda serial: KNOWN,
            rename=lambda serial, name: KNOWN,
        )
        requests = admission_requests(cast("RegistryAdmission", admission), self.condition.permit_join, self.condition.post_info)
        requests["health"] = Request(OfNothing, "How the bridge does, now.", lambda _: self.health())
        requests["rediscover"] = rediscover_request(lambda: {"terminals": 1})
        return requests

    def health(self) -> dict[str, Any]:
        """What the bridge says of its health after a day, with a memory that does not depend on the machine."""
        self.clock.advance(UPTIME_S - self.clock.seconds())
        self.presence.counters = {DEVICE: Counters(events=120, commands=3, connections=1)}
        return {**self.condition.health(), "memory": {"rss_bytes": RSS_BYTES}}

    def play(self) -> list[Publication]:
        """A terminal joins; everything is said that can be said of it and of the bridge."""
        self.board.post(REAL.state, b"online")
        self.condition.post_info()
        self.presence.devices_changed()
        self.presence.joined(cast("TerminalProtocol", _terminal()), replaced=False)
        self.clock.advance(1)
        return self.outlet.published

    def checkpoint(self) -> Publication:
        """What the bridge has the broker remember."""
        checkpoints = Checkpoints(self.outlet, REAL, self.clock, lambda: Checkpoint("3f9a1c0be7d24a56", 4712))
        checkpoints.message(Message(BROKER_VERSION, b"mosquitto version 2.0.18", retain=True))
        checkpoints.due()
        self.clock.advance(EVERY_S)
        return next(each for each in self.outlet.published if each.topic == REAL.checkpoint)

    def told(self) -> dict[str, Any]:
        """Each of the bridge's own events, by kind."""
        before = len(self.outlet.published)
        for kind in BRIDGE_EVENTS:
            self.presence.tell(kind, **sample_of(kind))
        events = map(msgspec.json.decode, [each.payload for each in self.outlet.published[before:]])
        return {event["type"]: event for event in events}

    def answered(self, name: str, payload: dict[str, Any]) -> Any:
        """What is answered to a request."""
        relay = RequestRelay(Replies(self.outlet, self.clock.seconds), REAL, self.requests)
        relay.message(RequestTopic(name), Message(f"{REAL.bridge}/request/{name}", msgspec.json.encode(payload)))
        return msgspec.json.decode(self.outlet.published[-1].payload)


def _terminal() -> SimpleNamespace:
    identity = Identity(DEVICE, "", NAME, MODEL, MAC, FIRMWARE)
    return SimpleNamespace(serial=DEVICE, identity=identity, protocol_version=3, address=ADDRESS, joined_at=WALL)


REQUEST_SAMPLES: dict[str, Any] = {"id": DEVICE, "name": NAME, "mac": MAC, "time": 120, "transaction": TRANSACTION}
"""What an example of a request says in a field of this name."""
