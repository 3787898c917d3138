"""Joins terminals and MQTT: what either side tells is handed to whoever acts on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from twisted.logger import Logger

from bridge.mqtt.message import BrokerLimits, Message
from bridge.mqtt.topics import AnswerTopic, CommandTopic, ConfigSetTopic, FaceTopic, InfoTopic, MemoryTopic, StrayTopic, Topics
from bridge.registry import Change, KnownTerminal
from bridge.registry.admission import ChangeKind
from bridge.relay import faces
from bridge.relay.answers import AnswerRelay
from bridge.relay.attention import Attention
from bridge.relay.commands import STRAY, CommandRelay
from bridge.relay.complaints import Complaints
from bridge.relay.condition import Condition
from bridge.relay.config_reading import ConfigReading
from bridge.relay.config_setting import CHANGE, ConfigSetting
from bridge.relay.configuration import Configuration
from bridge.relay.discovery import Discovery
from bridge.relay.dispatch import Dispatch
from bridge.relay.events import EventRelay
from bridge.relay.journal import Journal
from bridge.relay.noticeboard import Noticeboard
from bridge.relay.presence import Presence
from bridge.relay.replies import Replies
from bridge.relay.requests import RequestRelay
from bridge.session.admission import Refused
from bridge.session.happenings import Received
from bridge.terminal.directory import Directory
from bridge.terminal.limits import Full
from bridge.terminal.protocol import TerminalProtocol


@dataclass(frozen=True, slots=True)
class Relay:
    """The audience of the terminals, the observer of the registry, and what the link's news is for."""

    topics: Topics
    directory: Directory
    board: Noticeboard
    replies: Replies
    presence: Presence
    complaints: Complaints
    condition: Condition
    dispatch: Dispatch
    events: EventRelay
    answers: AnswerRelay
    commands: CommandRelay
    configuration: Configuration
    config_reading: ConfigReading
    config_setting: ConfigSetting
    requests: RequestRelay
    discovery: Discovery
    attention: Attention
    journal: Journal
    _log = Logger()

    def start(self) -> None:
        """Begin to keep the noticeboard."""
        self.board.post(self.topics.state, b"online")
        self.condition.post_info()
        self.presence.start()
        self.condition.start()
        self.attention.start()

    def shutting_down(self) -> None:
        """No new commands and no new questions from here on."""
        self.commands.is_shutting_down = True
        self.answers.shutting_down()

    def stop(self) -> None:
        """No more timers."""
        self.journal.stop()
        self.attention.stop()
        self.presence.stop()
        self.complaints.stop()
        self.config_reading.stop()
        self.condition.stop()
        self.discovery.stop()
        self.dispatch.recall.stop()

    # The terminals' audience.

    def joined(self, terminal: TerminalProtocol, *, replaced: bool) -> None:
        """A terminal identified itself."""
        self.journal.joined(terminal.serial, terminal.address, replaced=replaced)
        self.presence.joined(terminal, replaced=replaced)
        self.config_reading.joined(terminal)
        self.discovery.joined(terminal.serial)

    def updated(self, terminal: TerminalProtocol) -> None:
        """A terminal said more of itself."""
        self.presence.info_changed(terminal)
        self.config_reading.updated(terminal)
        self.discovery.changed(terminal.serial)

    def left(self, terminal: TerminalProtocol, reason: str, *, clean: bool) -> None:
        """A terminal is gone."""
        self.journal.left(terminal.serial, reason)
        self.presence.left(terminal.serial, reason, clean=clean)
        self.answers.left(terminal.serial)
        self.config_reading.left(terminal.serial)

    def received(self, terminal: TerminalProtocol, received: Received) -> None:
        """A terminal reports something."""
        self.presence.counted(terminal.serial).events += 1
        self.presence.seen(terminal)
        self.events.received(terminal, received)

    def rejected(self, address: str, refusal: Refused) -> None:
        """A register or login was refused."""
        self.complaints.rejected(address, refusal)

    def faulted(self, address: str, serial: str | None, reason: str) -> None:
        """A connection broke the protocol."""
        if serial is not None:
            self.presence.counted(serial).faults += 1
        self.complaints.faulted(address, serial, reason)

    def turned_away(self, address: str, full: Full) -> None:
        """There was no place for a connection."""
        self.complaints.turned_away(address, full)

    def slowed(self, terminal: TerminalProtocol, for_s: float) -> None:
        """A connection is too fast, and is not read for a while."""
        identity = terminal.identity
        self.complaints.slowed(terminal.address, identity.serial if identity else None, for_s)

    # What the link tells.

    def link_up(self, limits: BrokerLimits) -> None:
        """The broker is there: tell it how everything is, and what it missed being told."""
        self.dispatch.link_up()  # before all: it asks, and what terminals report waits for the answer
        self.condition.post_info()  # before the board: what stands there does not know this broker
        self.board.link_up()
        self.condition.post_health()  # what the broker kept is of another time, or there is none at all
        self.replies.link_up()
        self.discovery.link_up()

    def link_down(self) -> None:
        """The broker is away; terminals keep what they report until it is back."""
        self.board.link_down()
        self.dispatch.link_down()
        self.discovery.link_down()

    def message(self, message: Message) -> None:
        """A message came from the broker."""
        topic = self.topics.read(message.topic)
        if topic is None:
            if not self.discovery.message(message):
                self._log.debug("a message on {topic}, which is not ours", topic=message.topic)
        elif isinstance(topic, CommandTopic):
            self._count_command(topic.device)
            self.commands.message(topic, message)
        elif isinstance(topic, FaceTopic):
            self._count_command(topic.device)
            self.commands.message(CommandTopic(topic.device, faces.ADD_FACE), message, faces.wish(topic))
        elif isinstance(topic, StrayTopic):
            self._count_command(topic.device)
            self.commands.message(CommandTopic(topic.device, topic.command), message, STRAY)
        elif isinstance(topic, ConfigSetTopic):
            self._count_command(topic.device)
            self.commands.message(CommandTopic(topic.device, CHANGE), message, self.config_setting.wish(topic))
        elif isinstance(topic, AnswerTopic):
            self.answers.message(topic, message)
        elif isinstance(topic, MemoryTopic):
            self.dispatch.recall.message(message)
        elif isinstance(topic, InfoTopic):
            self._claimed(topic.device, message)
        else:
            self.requests.message(topic, message)

    def _claimed(self, serial: str, message: Message) -> None:
        """A bridge says whose a terminal is. One that is connected here stays ours: it is the other's that will be gone."""
        if self.directory.find(serial) is None and self.presence.claims.read(serial, message):
            self.presence.given_up(serial)
            self.configuration.given_up(serial)
            self.discovery.given_up(serial)

    # The registry's observer.

    def changed(self, change: Change) -> None:
        """Something about a terminal changed."""
        if change.what in _LOGGED:
            self.journal.became(change.terminal.serial, change.what)
        _CHANGES[change.what](self, change.terminal)
        self.presence.devices_changed()

    def _pending(self, known: KnownTerminal) -> None:
        self.presence.tell("device_pending", id=known.serial, mac=known.mac, model=known.model or None, address=known.address)

    def _approved(self, known: KnownTerminal) -> None:
        self.presence.tell("device_approved", id=known.serial)
        self.discovery.changed(known.serial)

    def _registered(self, known: KnownTerminal) -> None:
        """It joins as it always did, and is told of when it does."""

    def _blocked(self, known: KnownTerminal) -> None:
        self.discovery.retract(known.serial)
        self.directory.drop(known.serial, "blocked by the operator")

    def _removed(self, known: KnownTerminal) -> None:
        self.discovery.retract(known.serial)  # before what its entities show is cleared
        self.directory.drop(known.serial, "removed by the operator")
        self.presence.removed(known.serial)
        self.configuration.removed(known.serial)
        self.presence.tell("device_removed", id=known.serial)

    def _renamed(self, known: KnownTerminal) -> None:
        terminal = self.directory.find(known.serial)
        if terminal is not None:
            self.presence.info_changed(terminal)
        self.discovery.changed(known.serial)

    def _count_command(self, serial: str) -> None:
        if self.directory.find(serial) is not None:
            self.presence.counted(serial).commands += 1


_LOGGED = frozenset({"approved", "blocked", "removed", "renamed"})
"""What an operator decides, or the policy; the rest is told of as it joins or is refused."""
_CHANGES: dict[ChangeKind, Callable[[Relay, KnownTerminal], None]] = {
    "pending": Relay._pending,
    "approved": Relay._approved,
    "registered": Relay._registered,
    "blocked": Relay._blocked,
    "removed": Relay._removed,
    "renamed": Relay._renamed,
}
