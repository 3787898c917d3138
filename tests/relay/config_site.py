"""What reads and sets configurations, with terminals that a test answers for."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import inf
from random import Random
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from bridge.catalogue.configuration import GROUPS
from bridge.mqtt.message import Message
from bridge.mqtt.topics import CommandTopic, ConfigSetTopic, Topics
from bridge.relay.calls import CommandRules
from bridge.relay.commands import CommandRelay
from bridge.relay.config_reading import JITTER_S, ConfigReading
from bridge.relay.config_setting import ConfigSetting
from bridge.relay.configuration import Configuration
from bridge.relay.headcount import Headcount
from bridge.relay.noticeboard import Noticeboard
from bridge.relay.replies import Replies
from bridge.session.admission import Identity
from bridge.session.happenings import Answered, Failed, FailureCode
from bridge.terminal.happenings import Outcome
from tests.relay.site import FakeLink

WALL = 1_564_535_879.5
ALL = list(GROUPS)
VOLUME = {"groupKey": "audioctl", "level": 7}
LEDS = {"groupKey": "ledctl", "mode": 2, "closeScreen": 1}
PUSH = {
    "groupKey": "HttpPush",
    "httpPushEnable": False,
    "httpServerAddr": "192.0.2.8",
    "httpServerAddrStandby": "192.0.2.1",
    "httpServerPort": 80,
    "timeout": 5,
    "charcode": 0,
    "heartbeat_interval": 0,
    "private_protocol": 0,
    "sslenable": False,
    "sslport": 443,
    "appid": "12355",
    "appSecret": "open sesame",
    "AuthSn": "",
}


@dataclass
class Asked:
    """A request that reached a terminal."""

    message: str
    data: Any
    timeout_s: float
    expires_in_s: float
    answer: Deferred[Outcome]

    def says(self, data: Any = None, result: int = 0) -> None:
        self.answer.callback(Answered(7, 1, 0.1, result, "", {} if data is None else data))

    def fails(self, code: FailureCode = "timeout", attempts: int = 1) -> None:
        self.answer.callback(Failed(7, attempts, 10.0, code))


@dataclass
class Terminal:
    """The bridge's side of a terminal; the test answers what it is asked."""

    serial: str = "HG1"
    firmware: str = "V1"
    asked: list[Asked] = field(default_factory=list)

    @property
    def identity(self) -> Identity:
        return Identity(self.serial, "uuid", "", firmware=self.firmware)

    def request(
        self,
        message: str,
        body: bytes,
        *,
        version: int,
        timeout_s: float,
        answer_wait_s: float = 0.0,
        expires_in_s: float = inf,
        resend: bool = True,
    ) -> Deferred[Outcome]:
        read = json.loads(body)
        assert read["message"] == message
        self.asked.append(Asked(message, read["data"], timeout_s, expires_in_s, Deferred()))
        return self.asked[-1].answer

    def next(self) -> Asked:
        """The request that came first, of those not taken yet."""
        return self.asked.pop(0)


class Site:
    """One bridge's part that deals with configurations. `known` are the terminals it knows, `live` those that are there."""

    def __init__(self, rules: CommandRules | None = None) -> None:
        self.clock = Clock()
        self.link = FakeLink()
        self.topics = Topics("qyzn")
        self.board = Noticeboard(self.link)
        self.live: dict[str, Any] = {}
        self.known = {"HG1", "HG2"}
        self.configuration = Configuration(self.board, self.topics)
        self.reading = ConfigReading(self.configuration, self.link, self.find, self.clock, Random(1))
        self.setting = ConfigSetting(self.configuration, self.reading, self.find, lambda _: "2019-07-31 09:17:59")
        self.commands = CommandRelay(
            self.link,
            Replies(self.link, self.clock.seconds),
            self.topics,
            rules or CommandRules(),
            self,
            wall=lambda: WALL + self.clock.seconds(),
            arrived_at=lambda: WALL + self.clock.seconds(),
            seconds=self.clock.seconds,
            local=lambda moment, _: datetime.fromtimestamp(moment, UTC),
            refused=lambda _: None,
            headcount=Headcount(lambda device, count: None),
            courses=self.setting.courses(),
        )

    def is_known(self, device: str) -> bool:
        return device in self.known

    def find(self, device: str) -> Any:
        return self.live.get(device)

    def online(self) -> list[str]:
        return list(self.live)

    def join(self, terminal: Terminal | None = None) -> Terminal:
        """A terminal logs in, and the moment in which it is read comes."""
        terminal = terminal or Terminal()
        self.live[terminal.serial] = terminal
        self.reading.joined(terminal)  # type: ignore[arg-type]
        self.clock.advance(JITTER_S)
        return terminal

    def join_and_tell(self, *groups: dict[str, Any]) -> Terminal:
        """It logs in, and when it is read tells these groups; it does not know the others."""
        terminal = self.join()
        terminal.next().says(list(groups))
        while terminal.asked:
            terminal.next().says(result=103)
        return terminal

    def set(self, group: str, payload: Any, device: str = "HG1", **more: Any) -> None:
        """A message on config/<group>/set."""
        topic = ConfigSetTopic(device, group)
        message = Message(f"qyzn/{device}/config/{group}/set", json.dumps(payload).encode(), **more)
        self.commands.message(CommandTopic(device, "config_system"), message, self.setting.wish(topic))

    def command(self, name: str, payload: Any, device: str = "HG1") -> None:
        self.commands.message(CommandTopic(device, name), Message(f"qyzn/{device}/command/{name}", json.dumps(payload).encode()))

    def responses(self, command: str = "config_system", device: str = "HG1") -> list[Any]:
        """The responses so far."""
        return [each.json for each in self.link.on(f"qyzn/{device}/response/{command}")]

    def kept(self) -> dict[str, Any]:
        """What is retained now."""
        retained = {each.topic: each.publication.payload for each in self.link.sent if each.publication.retain}
        return {topic: json.loads(payload) for topic, payload in retained.items() if payload}

    def has_published(self, text: bytes) -> bool:
        """Whether this stands anywhere in what was published."""
        return any(text in each.publication.payload for each in self.link.sent)

    def config(self, group: str, device: str = "HG1") -> Any:
        """What is retained of a group."""
        return self.kept().get(f"qyzn/{device}/config/{group}")
