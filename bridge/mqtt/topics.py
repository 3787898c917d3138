"""Every topic of the contract, made and read in one place."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.mqtt.message import Subscription

ALL = "all"
"""The device id that stands for every terminal online."""
BROKER_VERSION = "$SYS/broker/version"
"""Where mosquitto says what it is."""
RAW = "raw"
"""The command that is any message, named in its payload."""
WORDS = frozenset(
    {
        *("bridge", "state", "info", "devices", "health", "checkpoint", "event", "request", "response"),
        *(ALL, "availability", "event_replay", "image", "config", "set", "command", "answer"),
    }
)
"""Every level below the base topic that means something by itself. A bridge of such a name would speak where others do."""


@dataclass(frozen=True, slots=True)
class CommandTopic:
    """A command to a terminal."""

    device: str
    command: str


@dataclass(frozen=True, slots=True)
class StrayTopic:
    """A command topic with levels too many or too few; `command` is what it begins with."""

    device: str
    command: str


@dataclass(frozen=True, slots=True)
class ConfigSetTopic:
    """A change of a terminal's configuration group, or of a part of it."""

    device: str
    group: str


@dataclass(frozen=True, slots=True)
class FaceTopic:
    """A person's face for a terminal, as a plain JPEG."""

    device: str
    person: str
    face: str


@dataclass(frozen=True, slots=True)
class AnswerTopic:
    """An answer to what a terminal asked in an event of this kind."""

    device: str
    kind: str


@dataclass(frozen=True, slots=True)
class InfoTopic:
    """What some bridge says a terminal is."""

    device: str


@dataclass(frozen=True, slots=True)
class RequestTopic:
    """A request to the bridge itself; `name` may hold a slash, as in `device/approve`."""

    name: str


@dataclass(frozen=True, slots=True)
class MemoryTopic:
    """What the broker remembers: the bridge's own checkpoint, or the broker's own name."""


TopicRead = CommandTopic | FaceTopic | StrayTopic | ConfigSetTopic | AnswerTopic | InfoTopic | RequestTopic | MemoryTopic


@dataclass(frozen=True, slots=True)
class Topics:
    """The topics of one bridge: `base` is the first level, `instance` its name where several share a broker."""

    base: str
    instance: str = ""
    discovery: str = ""
    """Where Home Assistant is told of terminals, if it is."""

    @property
    def bridge(self) -> str:
        """Where the bridge speaks of itself."""
        return f"{self.base}/bridge/{self.instance}" if self.instance else f"{self.base}/bridge"

    @property
    def state(self) -> str:
        """online or offline; the last will."""
        return f"{self.bridge}/state"

    @property
    def info(self) -> str:
        """What the bridge is and how it is set up."""
        return f"{self.bridge}/info"

    @property
    def devices(self) -> str:
        """Every terminal known."""
        return f"{self.bridge}/devices"

    @property
    def health(self) -> str:
        """How the bridge does."""
        return f"{self.bridge}/health"

    @property
    def checkpoint(self) -> str:
        """Up to where the broker had acknowledged everything."""
        return f"{self.bridge}/checkpoint"

    @property
    def bridge_event(self) -> str:
        """What happens to terminals, but not at them."""
        return f"{self.bridge}/event"

    def bridge_request(self, name: str) -> str:
        """Where the bridge is asked something."""
        return f"{self.bridge}/request/{name}"

    def bridge_response(self, name: str) -> str:
        """The answer to a request to the bridge."""
        return f"{self.bridge}/response/{name}"

    def availability(self, device: str) -> str:
        """online or offline."""
        return f"{self.base}/{device}/availability"

    def device_info(self, device: str) -> str:
        """What a terminal is."""
        return f"{self.base}/{device}/info"

    def event(self, device: str, kind: str, *, replay: bool = False) -> str:
        """What happened at a terminal, now or a while ago."""
        return f"{self.base}/{device}/{'event_replay' if replay else 'event'}/{kind}"

    def command(self, device: str, name: str) -> str:
        """Where a terminal is told to do something."""
        return f"{self.base}/{device}/command/{name}"

    def answer(self, device: str, kind: str) -> str:
        """Where events of a kind are answered."""
        return f"{self.base}/{device}/answer/{kind}"

    def image(self, device: str, kind: str) -> str:
        """A picture, as JPEG."""
        return f"{self.base}/{device}/image/{kind}"

    def config(self, device: str, group: str) -> str:
        """The last known values of a configuration group."""
        return f"{self.base}/{device}/config/{group}"

    def response(self, device: str, command: str) -> str:
        """The answer to a command."""
        return f"{self.base}/{device}/response/{command}"

    def subscriptions(self) -> tuple[Subscription, ...]:
        """What the bridge listens to. One that shares its base topic with others hears which terminals they have."""
        shared = (Subscription(f"{self.base}/+/info", retain_handling=0),) if self.instance else ()
        return (
            *shared,
            Subscription(f"{self.base}/+/command/#"),
            Subscription(f"{self.base}/+/config/+/set"),
            Subscription(f"{self.base}/+/answer/+"),
            Subscription(f"{self.bridge}/request/#"),
        )

    def memory_subscriptions(self) -> tuple[Subscription, ...]:
        """What the bridge listens to where it has to know whether the broker has forgotten something. It can do without. QoS 0, so that what is
        retained comes at once."""
        checkpoint = Subscription(self.checkpoint, qos=0, retain_handling=0, no_local=True, needed=False)
        return (checkpoint, Subscription(BROKER_VERSION, qos=0, retain_handling=0, needed=False))

    def read(self, topic: str) -> TopicRead | None:  # noqa: PLR0911 - one for each form
        """What a topic that came from the broker asks for; None for one that is not ours."""
        if topic in (self.checkpoint, BROKER_VERSION):
            return MemoryTopic()
        requests = f"{self.bridge}/request/"
        if topic.startswith(requests):
            return RequestTopic(topic.removeprefix(requests))
        if not topic.startswith(f"{self.base}/"):
            return None
        match topic.removeprefix(f"{self.base}/").split("/"):
            case [device, "command", command] if command:
                return CommandTopic(device, command)
            case [device, "command", "add_face", person, face]:
                return FaceTopic(device, person, face)
            case [device, "command", *levels]:
                return StrayTopic(device, levels[0] if levels and levels[0] else "command")
            case [device, "config", group, "set"]:
                return ConfigSetTopic(device, group)
            case [device, "info"] if self.instance and device != "bridge":
                return InfoTopic(device)
            case [device, "answer", kind]:
                return AnswerTopic(device, kind)
        return None

    def may_respond_on(self, topic: str) -> bool:
        """Whether a caller may name this as its Response Topic: any that can be published to, save the bridge's own. Otherwise a caller
        who may only ask for a picture could have the bridge speak where the caller itself must not."""
        if not topic or topic.startswith("$") or any(sign in topic for sign in "+#\0"):
            return False
        if self.discovery and f"{topic}/".startswith(f"{self.discovery}/"):
            return False
        if topic != self.base and not topic.startswith(f"{self.base}/"):
            return True
        device, _, rest = topic.removeprefix(self.base).removeprefix("/").partition("/")
        if device == "bridge":
            return topic.startswith(f"{self.bridge}/response/")
        return rest == "response" or rest.startswith("response/")
