"""Which part is given which: the only place where they are put together."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, tzinfo
from random import SystemRandom
from typing import Any, cast

from bridge import rules
from bridge.catalogue import IMAGE_KINDS
from bridge.config import Config, redacted
from bridge.errors import BridgeError
from bridge.garbage import give_back_what_is_free
from bridge.homeassistant import DiscoveryTopics, Offer
from bridge.mqtt.address import BrokerAddress
from bridge.mqtt.commands import Response
from bridge.mqtt.events import Subject
from bridge.mqtt.link import Link, LinkListener
from bridge.mqtt.message import Publication
from bridge.mqtt.topics import Topics
from bridge.outbox import Outbox, WorkerThread
from bridge.registry import Registry, RegistryAdmission, Terms
from bridge.relay import outbox_news
from bridge.relay.answers import AnswerRelay
from bridge.relay.attention import Attention
from bridge.relay.bridge_events import BridgeEvents
from bridge.relay.claims import Claims
from bridge.relay.commands import CommandRelay
from bridge.relay.complaints import Complaints
from bridge.relay.condition import Condition, SetUp, Traffic
from bridge.relay.config_reading import ConfigReading
from bridge.relay.config_setting import ConfigSetting
from bridge.relay.configuration import Configuration
from bridge.relay.discovery import Discovery, Knowledge
from bridge.relay.dispatch import Dispatch
from bridge.relay.events import EventRelay
from bridge.relay.headcount import Headcount
from bridge.relay.journal import Journal
from bridge.relay.noticeboard import Noticeboard
from bridge.relay.presence import Moments, Presence
from bridge.relay.relay import Relay
from bridge.relay.replies import Replies
from bridge.relay.requests import OfNothing, Request, RequestRelay, admission_requests, rediscover_request
from bridge.roster import Roster
from bridge.session.admission import Attempt
from bridge.session.surroundings import SessionLimits, Surroundings
from bridge.terminal.deadlines import Deadlines
from bridge.terminal.directory import Directory
from bridge.terminal.factory import TerminalFactory
from bridge.terminal.hall import Hall
from bridge.terminal.limits import FrameLimits, Places, Rate, Rates
from bridge.terminal.proxied import ProxiedFactory


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts that start and end."""

    registry: Registry
    directory: Directory
    factory: TerminalFactory
    proxied_factory: ProxiedFactory
    link: Link
    outbox: Outbox
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
    registry = Registry.open(config.state_dir)
    try:
        common = _common(reactor, config, address, listener, registry)
    except BridgeError:
        registry.close()
        raise
    relay = _relay(common)
    common.admission.observe(relay.changed)
    factory = TerminalFactory(_hall(common, relay))
    return Parts(registry, common.directory, factory, ProxiedFactory(factory), common.link, common.outbox, relay)


@dataclass(frozen=True, slots=True)
class _Common:
    """What several parts are given. `wall` gives UNIX seconds, `seconds` is the reactor's clock, which the tap has made monotonic."""

    reactor: Any
    config: Config
    topics: Topics
    directory: Directory
    admission: RegistryAdmission
    roster: Roster
    link: Link
    outbox: Outbox
    board: Noticeboard
    replies: Replies
    places: Places
    wall: Callable[[], float] = time.time

    @property
    def seconds(self) -> Callable[[], float]:
        return cast("Callable[[], float]", self.reactor.seconds)

    @property
    def moments(self) -> Moments:
        return Moments(self.wall, self.config.site_zone())


def _common(reactor: Any, config: Config, address: BrokerAddress, listener: LinkListener, registry: Registry) -> _Common:
    topics, directory = Topics(config.base_topic, config.instance, config.homeassistant.prefix), Directory()

    def is_connected_elsewhere(serial: str, attempt: Attempt) -> bool:
        return attempt.identified_as != serial and serial in directory

    def soon(call: Callable[[], None]) -> None:
        reactor.callLater(0, call)

    link = _link(reactor, config, address, topics, listener)
    thread = WorkerThread(reactor)
    admission = RegistryAdmission(registry, Terms.of(config), is_connected_elsewhere, time.time, reactor.seconds, soon, thread.call)
    return _Common(
        reactor=reactor,
        config=config,
        topics=topics,
        directory=directory,
        admission=admission,
        roster=Roster(registry, admission, directory, Claims(config.instance), time.time),
        link=link,
        outbox=_outbox(reactor, config, thread),
        board=Noticeboard(link, at_rest=lambda: soon(give_back_what_is_free)),  # when what was told last is let go of, too
        replies=Replies(link, reactor.seconds),
        places=Places(config.limits.connections, config.limits.connections_per_address),
    )


def _outbox(reactor: Any, config: Config, thread: WorkerThread) -> Outbox:
    """Behind the registry, whose lock keeps other processes from it. The thread ends with it."""
    try:
        return Outbox.open(config.state_dir, rules.of_the_outbox(config), reactor, time.time, thread, outbox_news.tell)
    except BridgeError:
        thread.stop()
        raise


def _relay(common: _Common) -> Relay:
    presence = _presence(common)
    dispatch = _dispatch(common)
    complaints = Complaints(common.reactor, presence.tell)
    condition = _condition(common, presence, complaints)
    answers = _answers(common, presence)
    configuration = Configuration(common.board, common.topics)
    reading = ConfigReading(configuration, common.link, common.directory.find, common.reactor, SystemRandom())
    setting = _config_setting(common, configuration, reading)
    attention = Attention(common.reactor, common.wall, common.link.redial)
    discovery = _discovery(common, configuration)
    return Relay(
        topics=common.topics,
        directory=common.directory,
        board=common.board,
        replies=common.replies,
        presence=presence,
        complaints=complaints,
        condition=condition,
        dispatch=dispatch,
        events=_events(common, dispatch, answers),
        answers=answers,
        commands=_commands(common, presence, setting, attention),
        configuration=configuration,
        config_reading=reading,
        config_setting=setting,
        requests=_requests(common, condition, discovery),
        discovery=discovery,
        attention=attention,
        journal=Journal(common.reactor),
    )


def _presence(common: _Common) -> Presence:
    return Presence(
        clock=common.reactor,
        board=common.board,
        topics=common.topics,
        moments=common.moments,
        instance=common.config.instance,
        known=common.roster.registry.terminals,
        name_of=common.roster.name_of,
        is_live=common.directory.__contains__,
        heard=common.roster.heard,
        tell=BridgeEvents(common.link, common.topics.bridge_event, common.moments.now, common.seconds).tell,
        claims=common.roster.claims,
        retained_images=IMAGE_KINDS if common.config.images.retain else frozenset(),
    )


def _condition(common: _Common, presence: Presence, complaints: Complaints) -> Condition:
    config = common.config
    return Condition(
        clock=common.reactor,
        outlet=common.link,
        board=common.board,
        topics=common.topics,
        moments=common.moments,
        set_up=SetUp(config.instance, tuple(config.listen), redacted(config)),
        presence=presence,
        permit_join_until=lambda: common.admission.permit_join_until,
        outbox_health=lambda: outbox_news.health(common.outbox),
        traffic=lambda: Traffic(len(common.places), dict(complaints.counts)),
    )


def _answers(common: _Common, presence: Presence) -> AnswerRelay:
    config = common.config
    return AnswerRelay(
        common.reactor,
        common.topics,
        rules.of_answers(config),
        rules.when_nobody_answers(config),
        is_known=common.roster.is_known,
        tell=presence.tell,
        wall=common.wall,
    )


def _dispatch(common: _Common) -> Dispatch:
    event_rules, mode, is_known = rules.of_events(common.config), common.config.outbox.mode, common.roster.is_known
    return Dispatch(common.link, common.outbox, common.topics, event_rules, common.reactor, common.wall, mode, is_known)


def _events(common: _Common, dispatch: Dispatch, answers: AnswerRelay) -> EventRelay:
    config = common.config

    def subject_of(serial: str) -> Subject:
        return Subject(serial, common.roster.name_of(serial), config.device_zone(serial))

    return EventRelay(dispatch, common.topics, rules.of_events(config), subject_of, common.wall, answers)


def _config_setting(common: _Common, configuration: Configuration, reading: ConfigReading) -> ConfigSetting:
    def civil_time(serial: str) -> str:
        return f"{datetime.fromtimestamp(common.wall(), common.config.device_zone(serial)):%Y-%m-%d %H:%M:%S}"

    return ConfigSetting(configuration, reading, common.directory.find, civil_time, unknown_fields=common.config.commands.unknown_fields)


def _commands(common: _Common, presence: Presence, setting: ConfigSetting, attention: Attention) -> CommandRelay:
    config = common.config

    def local(moment: float, serial: str) -> datetime:
        return datetime.fromtimestamp(moment, config.device_zone(serial))

    def refused(response: Response) -> None:
        if common.roster.is_known(response.device_id):
            presence.counted(response.device_id).refused += 1
        presence.tell(
            "command_refused", id=response.device_id, command=response.command, code=response.code, transaction=response.transaction
        )

    return CommandRelay(
        common.link,
        common.replies,
        common.topics,
        rules.of_commands(config),
        common.roster,
        wall=common.wall,
        arrived_at=attention.arrived_at,
        seconds=common.seconds,
        local=local,
        refused=refused,
        headcount=Headcount(presence.people_counted),
        courses=setting.courses(),
    )


def _places(config: Config) -> DiscoveryTopics | None:
    return DiscoveryTopics(config.homeassistant.prefix) if config.homeassistant.enabled else None


def _discovery(common: _Common, configuration: Configuration) -> Discovery:
    registry, roster, is_here = common.roster.registry, common.roster, common.directory.__contains__
    return Discovery(
        clock=common.reactor,
        random=SystemRandom(),
        outlet=common.link,
        board=common.board,
        topics=common.topics,
        places=_places(common.config),
        offer=Offer.of(common.config),
        knowledge=Knowledge(registry.get, registry.terminals, roster.is_known, is_here, roster.name_of, configuration),
        skip_retained=common.link.skip_retained,
    )


def _requests(common: _Common, condition: Condition, discovery: Discovery) -> RequestRelay:
    requests = admission_requests(common.admission, condition.permit_join, condition.post_info)
    requests["health"] = Request(OfNothing, "How the bridge does, now.", lambda _: condition.health())
    requests["rediscover"] = rediscover_request(discovery.again)
    return RequestRelay(common.replies, common.topics, requests)


def _hall(common: _Common, relay: Relay) -> Hall:
    config, limits = common.config, common.config.limits

    def zone_of(serial: str | None) -> tzinfo:
        return config.site_zone() if serial is None else config.device_zone(serial)

    return Hall(
        clock=common.reactor,
        surroundings=Surroundings(
            common.admission, common.directory.memory_of, SessionLimits(limits.login_s, limits.silence_s), common.wall, zone_of
        ),
        limits=FrameLimits(limits.frame_bytes_before_login, limits.frame_bytes),
        directory=common.directory,
        audience=relay,
        first_sequence=lambda: secrets.randbelow(1 << 32),
        places=common.places,
        rates=Rates(Rate(limits.frames_per_s, limits.frames_burst), Rate(limits.bytes_per_s, limits.bytes_burst)),
        deadlines=Deadlines(common.reactor),
    )


def _link(reactor: Any, config: Config, address: BrokerAddress, topics: Topics, listener: LinkListener) -> Link:
    will = Publication(topics.state, b"offline", retain=True)
    places = _places(config)
    subscriptions = topics.subscriptions() + (places.subscriptions() if places else ())
    if rules.of_the_outbox(config).keep_s:
        subscriptions += topics.memory_subscriptions()
    return Link(reactor, address, rules.of_the_connection(config), will, subscriptions, listener, SystemRandom())
