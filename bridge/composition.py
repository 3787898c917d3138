"""Which part is given which: the only place where they are put together."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, tzinfo
from random import SystemRandom
from typing import Any

from twisted.internet.task import LoopingCall

from bridge.config import Config, redacted
from bridge.mqtt.address import BrokerAddress
from bridge.mqtt.events import EventRules, Subject
from bridge.mqtt.link import Link, LinkListener
from bridge.mqtt.message import Publication
from bridge.mqtt.options import ConnectOptions
from bridge.mqtt.pictures import PictureRules
from bridge.mqtt.topics import Topics
from bridge.registry import Registry, RegistryAdmission, Terms
from bridge.relay.commands import CommandRelay, CommandRules
from bridge.relay.condition import Condition, SetUp
from bridge.relay.events import EventRelay
from bridge.relay.noticeboard import Noticeboard
from bridge.relay.presence import Moments, Presence
from bridge.relay.relay import Relay
from bridge.relay.replies import Replies
from bridge.relay.requests import Request, RequestRelay, OfNothing, admission_requests
from bridge.session.session import SessionLimits, Surroundings
from bridge.terminal.directory import Directory
from bridge.terminal.factory import TerminalFactory
from bridge.terminal.protocol import FrameLimits, Hall, TerminalProtocol


@dataclass(frozen=True, slots=True)
class Roster:
    """Which terminals there are, for whoever asks: the registry's and the directory's knowledge together."""

    registry: Registry
    admission: RegistryAdmission
    directory: Directory

    def is_known(self, device: str) -> bool:
        """Whether this is a terminal of this bridge: one that was approved and let in."""
        known = self.registry.get(device)
        return known is not None and known.status == "approved"

    def find(self, device: str) -> TerminalProtocol | None:
        """Its connection, if it is there."""
        return self.directory.find(device)

    def name_of(self, device: str) -> str:
        """What people call it."""
        known = self.registry.get(device)
        return device if known is None else self.admission.name_of(known)


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts that start and end."""

    registry: Registry
    directory: Directory
    factory: TerminalFactory
    link: Link
    relay: Relay

    def start(self) -> None:
        """Begin to keep the noticeboard."""
        self.relay.start()

    def stop(self) -> None:
        """End every connection, and every timer."""
        for terminal in self.directory:
            terminal.close("the bridge is being stopped")
        self.factory.close_all("the bridge is being stopped")
        self.relay.stop()


def compose(reactor: Any, config: Config, address: BrokerAddress, listener: LinkListener) -> Parts:
    """All parts of a bridge. Raises ConfigError for a state directory or a certificate that cannot be used."""
    wall: Callable[[], float] = time.time
    seconds: Callable[[], float] = reactor.seconds
    zone = config.site_zone()
    topics = Topics(config.base_topic, config.instance)
    registry = Registry.open(config.state_dir)
    directory = Directory()
    admission = RegistryAdmission(
        registry,
        Terms.of(config),
        lambda serial, attempt: attempt.identified_as != serial and directory.find(serial) is not None,
        wall,
        seconds,
    )
    roster = Roster(registry, admission, directory)
    link = _link(reactor, config, address, topics, listener)
    board, replies = Noticeboard(link), Replies(link, seconds)
    moments = Moments(wall, zone)
    presence = Presence(
        reactor, link, board, topics, moments, config.instance, registry.terminals, roster.name_of, lambda serial: serial in directory
    )
    condition = Condition(
        link,
        board,
        topics,
        moments,
        SetUp(config.instance, tuple(config.listen), redacted(config)),
        presence,
        lambda: admission.permit_join_until,
        lambda act: _looping(reactor, act),
        seconds,
    )
    pictures = _picture_rules(config)
    rules = EventRules(config.events.replay_after_s, frozenset(config.privacy.omit), pictures)
    events = EventRelay(
        link, topics, rules, lambda serial: Subject(serial, roster.name_of(serial), config.device_zone(serial)), wall
    )
    commands = CommandRelay(
        link,
        replies,
        topics,
        CommandRules(frozenset(config.commands.deny), config.limits.frame_bytes, pictures, bool(config.instance)),
        roster,
        wall=wall,
        seconds=seconds,
        local=lambda moment, serial: datetime.fromtimestamp(moment, config.device_zone(serial)),
    )
    requests = RequestRelay(
        replies,
        topics,
        admission_requests(admission, condition.permit_join, condition.post_info)
        | {"health": Request(OfNothing, lambda _: condition.health())},
    )
    relay = Relay(topics, directory, board, replies, presence, condition, events, commands, requests)
    admission.observe(relay.changed)

    def zone_of(serial: str | None) -> tzinfo:
        return zone if serial is None else config.device_zone(serial)

    hall = Hall(
        reactor,
        Surroundings(admission, directory.memory_of, SessionLimits(config.limits.login_s, config.limits.silence_s), wall, zone_of),
        FrameLimits(config.limits.frame_bytes_before_login, config.limits.frame_bytes),
        directory,
        relay,
        lambda: secrets.randbelow(1 << 32),
    )
    return Parts(registry, directory, TerminalFactory(hall), link, relay)


def _link(reactor: Any, config: Config, address: BrokerAddress, topics: Topics, listener: LinkListener) -> Link:
    username, password = config.mqtt.credentials
    options = ConnectOptions(
        client_id=config.client_id,
        keepalive_s=config.mqtt.keepalive_s,
        protocol=config.mqtt.protocol,
        username=username,
        password=password,
        ca_file=config.mqtt.ca_file,
        cert_file=config.mqtt.cert_file,
        key_file=config.mqtt.key_file,
    )
    will = Publication(topics.state, b"offline", retain=True)
    return Link(reactor, address, options, will, topics.subscriptions(), listener, SystemRandom())


def _picture_rules(config: Config) -> PictureRules:
    publish = config.images.publish
    return PictureRules(publish in ("topic", "both"), publish in ("inline", "both"), config.images.retain, config.limits.image_bytes)


def _looping(reactor: Any, act: Callable[[], Any]) -> LoopingCall:
    loop = LoopingCall(act)
    loop.clock = reactor
    return loop
