"""Every key of the configuration: its type, its default and what it means, declared here (and, of answers, in the file of that name).

A key added here can thereby be loaded, stands in the sample, and is masked, an option or an environment variable if it says so.
A table's docstring is its comment in the sample.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import tzinfo
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import unquote

from msgspec import field

from bridge.config import shapes
from bridge.config.answers import Answers, Intercom
from bridge.config.section import Key, Section, hidden
from bridge.config.zones import zone
from bridge.errors import ConfigError

DEFAULT_BASE = "qyzn"


def _displaced_by_url(url: str) -> tuple[str, ...]:
    username, password = shapes.url_credentials(url)
    return (("username",) if username else ()) + (("password", "password_file") if password else ())


class Mqtt(Section, frozen=True, kw_only=True):
    """The broker."""

    url: Annotated[
        shapes.Text,
        Key(
            "Where the broker is: mqtt://host:1883, mqtts://host:8883 (TLS), mqtt+unix:///path, each with user:password@ before the"
            " host if need be; or embedded://127.0.0.1:1883, a broker that the bridge starts itself.",
            option="mqtt",
            mask=shapes.masked_url,
            displaces=_displaced_by_url,
        ),
    ] = "embedded://127.0.0.1:1883"
    username: Annotated[shapes.Text | None, Key("The user name.", example='"bridge"', environment=True)] = None
    password: Annotated[
        shapes.Text | None,
        Key(
            "The password. Better kept in the environment or in password_file than here.",
            example='"secret"',
            mask=hidden,
            displaces=lambda value: ("password_file",),
        ),
    ] = None
    password_file: Annotated[
        shapes.File | None,
        Key("A file that holds the password (a line end after it does not count), instead of password.", example='"/run/secrets/mqtt"'),
    ] = None
    client_id: Annotated[
        shapes.Text | None,
        Key(
            "The MQTT client id, which nobody else may use. Left out, it is qyzn-bridge, or qyzn-bridge-<instance>; unless base_topic is"
            " qyzn, ten hexadecimal digits that stand for it follow, always the same ones.",
            example='"qyzn-bridge"',
        ),
    ] = None
    ca_file: Annotated[
        shapes.ReadableFile | None,
        Key("PEM file of the authorities to trust for mqtts://, instead of the host's.", example='"/etc/qyzn-bridge/ca.pem"'),
    ] = None
    cert_file: Annotated[
        shapes.ReadableFile | None,
        Key("PEM file of the client certificate (and its chain) to show; needs key_file.", example='"/etc/qyzn-bridge/client.pem"'),
    ] = None
    key_file: Annotated[
        shapes.ReadableFile | None,
        Key("PEM file of the client certificate's private key, without a passphrase.", example='"/etc/qyzn-bridge/client.key"'),
    ] = None
    keepalive_s: Annotated[
        shapes.Keepalive,
        Key(
            "The MQTT keep-alive: how often an idle connection is checked. A broker that has heard nothing for one and a half times"
            " that reports the bridge offline."
        ),
    ] = 30
    protocol: Annotated[Literal["auto", "5", "3.1.1"], Key("The MQTT version. auto: 5, and 3.1.1 where the broker refuses it.")] = "auto"

    def __post_init__(self) -> None:
        """What keys mean to each other. Raises ConfigError with a path inside this table."""
        url_user, url_password = shapes.url_credentials(self.url)
        password = "password_file" if self.password_file else "password" if self.password else None
        if self.password and self.password_file:
            raise ConfigError("password_file", "either password or password_file", "both")
        if self.username and url_user:
            raise ConfigError("username", "a user name here or in url", "both")
        if password and url_password:
            raise ConfigError(password, "a password here or in url", "both")
        if password and not (self.username or url_user):
            raise ConfigError(password, "a user name beside the password")
        if bool(self.cert_file) != bool(self.key_file):
            raise ConfigError(*(("cert_file", "key_file beside it") if self.cert_file else ("key_file", "cert_file beside it")))

    @property
    def credentials(self) -> tuple[str | None, str | None]:
        """User name and password, whether they came in the URL or in keys of their own."""
        url_user, url_password = shapes.url_credentials(self.url)
        return (
            self.username if url_user is None else unquote(url_user),
            self.password if url_password is None else unquote(url_password),
        )


class Registration(Section, frozen=True, kw_only=True):
    """Which terminals may join."""

    policy: Annotated[
        Literal["approve", "open", "closed"],
        Key(
            "approve: an unknown terminal is pending until it is approved over MQTT, by the configuration or by a permit_join window."
            " open: every terminal is let in. closed: only those that serials or [devices] name.",
            option="registration",
        ),
    ] = "approve"
    serials: Annotated[tuple[shapes.DeviceId, ...], Key("Terminals that are approved from the start, by serial.")] = ()


class Limits(Section, frozen=True, kw_only=True):
    """What a terminal may take of the bridge."""

    login_s: Annotated[shapes.Seconds, Key("A connection that has not logged in by then is closed.")] = 30.0
    silence_s: Annotated[
        shapes.Seconds,
        Key("A terminal that has sent nothing for this long is gone. Terminals beat every 25 seconds, and may miss three beats."),
    ] = 75.0
    frame_bytes: Annotated[shapes.Bytes, Key("The largest message body, after login; a larger one ends the connection.")] = 8 * 1024 * 1024
    frame_bytes_before_login: Annotated[shapes.Bytes, Key("The same before login, where anybody may be calling.")] = 64 * 1024
    connections: Annotated[
        shapes.Connections,
        Key(
            "How many connections there may be, of terminals and of others; one more is closed at once. The system's limit of open files has"
            " to allow them: the bridge raises it as far as it may, and says at its start when that is not enough."
        ),
    ] = 12_000
    connections_per_address: Annotated[
        shapes.Connections,
        Key(
            "The same for one address; an IPv6 network (/64) counts as one. A tenth of all, so that no address can take the others' places,"
            " and still enough for a site of hundreds of terminals behind one gateway, all of which connect anew while their dead connections"
            " still count."
        ),
    ] = 1_200
    frames_per_s: Annotated[
        shapes.Frames,
        Key(
            "How many messages a terminal may send per second in the long run. One that is faster is not disconnected but read more slowly, so"
            " that it waits. A busy gate has one in a second or two; a terminal that catches up after it was away has more. Before login,"
            " where anybody may be calling, a tenth of this and of the three below."
        ),
    ] = 100.0
    frames_burst: Annotated[shapes.Frames, Key("How many at once, after it was quiet.")] = 1_000.0
    bytes_per_s: Annotated[shapes.Bytes, Key("The same in bytes: twenty pictures of 100 kB in a second.")] = 2 * 1024 * 1024
    bytes_burst: Annotated[shapes.Bytes, Key("How many bytes at once, after it was quiet: two of the largest messages.")] = 16 * 1024 * 1024
    image_bytes: Annotated[
        shapes.Bytes,
        Key("The largest picture (JPEG): an event with a larger one is published without it, a command with a larger one is refused."),
    ] = 4 * 1024 * 1024

    def __post_init__(self) -> None:
        """What keys mean to each other. Raises ConfigError with a path inside this table."""
        if self.frame_bytes_before_login > self.frame_bytes:
            raise ConfigError("frame_bytes_before_login", f"at most frame_bytes, {self.frame_bytes}", str(self.frame_bytes_before_login))


class Events(Section, frozen=True, kw_only=True):
    """What terminals report."""

    replay_after_s: Annotated[
        shapes.Seconds,
        Key("Events older than this are published under event_replay/, so that an automation on event/ never fires late."),
    ] = 30.0


class Images(Section, frozen=True, kw_only=True):
    """Pictures that come with events."""

    publish: Annotated[
        Literal["topic", "inline", "both", "none"],
        Key("topic: raw JPEG on image/<kind>, before its event. inline: Base64 in the event, as image_base64. both, or none."),
    ] = "topic"
    retain: Annotated[
        bool, Key("Whether the broker keeps the last picture, so that a dashboard shows it at once. The broker then stores people's faces.")
    ] = False


class Privacy(Section, frozen=True, kw_only=True):
    """What is kept from the broker."""

    omit: Annotated[tuple[shapes.FieldName, ...], Key('Fields of events that are never published, such as ["id_number", "address"].')] = ()


class Commands(Section, frozen=True, kw_only=True):
    """What may be asked of terminals over MQTT."""

    deny: Annotated[tuple[shapes.CommandName, ...], Key('Commands that are answered with forbidden, such as ["delete_person"].')] = ()
    raw: Annotated[
        bool,
        Key(
            "Whether command/raw may send a terminal any message, unchecked. It can do whatever the terminal can, so leave it false unless you"
            " need a message that the bridge does not know."
        ),
    ] = False
    door_per_10_s: Annotated[
        shapes.DoorCount,
        Key("How many commands that may open a door are sent to one terminal within ten seconds; more are answered with rate_limited."),
    ] = 10
    unknown_fields: Annotated[
        bool,
        Key(
            "Whether a command may have fields that the bridge does not know, for firmware that is newer. Left false, such a field is answered"
            " with invalid: it is a typing error more often."
        ),
    ] = False


class Outbox(Section, frozen=True, kw_only=True):
    """What is kept on the disk while the broker is away, or may forget it."""

    mode: Annotated[
        Literal["auto", "always"],
        Key(
            "auto: events go to the disk when the broker is away, slow, or has older ones of the terminal yet to come, and are deleted once it"
            " has acknowledged them. always: every event goes to the disk first, terminals are answered then, and it is kept there for keep_s:"
            " for brokers that may forget what they acknowledged. mosquitto, killed, forgets what it has not saved (its autosave_interval)."
        ),
    ] = "auto"
    keep_s: Annotated[
        shapes.KeepSeconds,
        Key(
            "With always: how long an event is kept after the broker has acknowledged it. When the connection was lost, or the bridge was started"
            " anew, what the broker may have forgotten is published again, with the same event_id: of mosquitto, what came after it had last saved;"
            " of any other broker, all. Choose more than the broker's autosave_interval, which is half an hour unless mosquitto is told"
            " otherwise; or 0, not at all, for a broker that has saved what it acknowledges. What is kept so counts towards the bounds below,"
            " but gives way before anything else does, and where less than 256 MiB of the disk are free."
        ),
    ] = 2_100.0
    max_events: Annotated[shapes.Events, Key("How many events are kept. Beyond that the oldest give way, pictures before events.")] = (
        100_000
    )
    max_bytes: Annotated[shapes.DiskBytes, Key("How many bytes of events and pictures are kept.")] = 2 * 1024**3
    max_age_s: Annotated[shapes.LongSeconds, Key("For how long.")] = 604_800.0


class HomeAssistant(Section, frozen=True, kw_only=True):
    """Home Assistant, which finds the terminals by itself where it has the same broker."""

    enabled: Annotated[
        bool, Key("Whether each terminal, and the bridge, is announced to Home Assistant (MQTT discovery).", option="homeassistant")
    ] = True
    prefix: Annotated[shapes.DiscoveryPrefix, Key("The discovery prefix, as in the options of Home Assistant's MQTT integration.")] = (
        "homeassistant"
    )
    doorbell: Annotated[bool, Key("Whether each terminal has a doorbell: false for terminals that nobody can ring at.")] = True
    lock: Annotated[
        bool,
        Key(
            "Whether each terminal has a lock as well, for voice assistants and the like. It always shows locked: terminals do not tell. Unlocking"
            " it opens the door once."
        ),
    ] = False
    tags: Annotated[
        bool, Key("Whether cards and QR codes are scanned as tags: whoever may see Home Assistant's tags then sees their numbers.")
    ] = False
    body_temperature: Annotated[bool, Key("Whether each terminal has a sensor of body temperature, for models that measure it.")] = False


class Device(Section, frozen=True, kw_only=True):
    """What the configuration says about one terminal."""

    name: Annotated[
        shapes.Text | None, Key("Its name in events and on dashboards. Left out, it is its serial.", example='"Front door"')
    ] = None
    approved: Annotated[bool, Key("Whether it may join without further approval; false, it is treated like an unknown one.")] = True
    timezone: Annotated[shapes.Zone, Key('The time zone of the place where it hangs; "" for the site\'s.')] = ""


class Config(Section, frozen=True, kw_only=True):
    """The whole configuration. Relative paths start from the working directory."""

    listen: Annotated[
        shapes.Endpoints,
        Key(
            'Where terminals connect, as Twisted endpoints: "tcp:8899", "tcp:8899:interface=10.0.0.5", "ssl:…" (TLS), "mtls:…" (TLS with'
            ' client certificates), "haproxy:tcp:…" (behind a proxy), "systemd:…".',
            option="listen",
        ),
    ] = ("tcp:8899",)
    base_topic: Annotated[shapes.BaseTopic, Key("The first level of every topic.", option="base-topic")] = DEFAULT_BASE
    instance: Annotated[
        shapes.Instance,
        Key(
            "The name of this bridge, where several share a broker: its own topics are then <base_topic>/bridge/<instance>/…, so it must not be a"
            " word that topics have already, such as state or command.",
            option="instance",
        ),
    ] = ""
    state_dir: Annotated[
        shapes.Directory,
        Key("The directory of what must be remembered, the terminals' secrets among it. Created when missing.", option="state-dir"),
    ] = Path("state")
    timezone: Annotated[
        shapes.Zone, Key('The site\'s time zone by its IANA name, such as "Europe/Vienna"; "" for the host\'s. Terminals are set to it.')
    ] = ""
    language: Annotated[Literal["en", "zh"], Key("The language of the names shown in Home Assistant: en or zh (Chinese).")] = "en"
    mqtt: Mqtt = Mqtt()
    registration: Registration = Registration()
    limits: Limits = Limits()
    events: Events = Events()
    images: Images = Images()
    privacy: Privacy = Privacy()
    answers: Answers = Answers()
    intercom: Intercom = Intercom()
    commands: Commands = Commands()
    outbox: Outbox = Outbox()
    homeassistant: HomeAssistant = HomeAssistant()
    devices: Annotated[
        Mapping[shapes.DeviceId, Device],
        Key("One terminal, by its serial: a table like this for each that there is something to say about.", example='"0a9310e7acc298d3"'),
    ] = field(default_factory=dict)

    @property
    def client_id(self) -> str:
        """The MQTT client id: as configured, or made from the instance's name and the base topic, so that bridges that share a broker
        and nothing else do not take each other's place."""
        base = "" if self.base_topic == DEFAULT_BASE else sha256(self.base_topic.encode()).hexdigest()[:10]
        return self.mqtt.client_id or "-".join(filter(None, ("qyzn-bridge", self.instance, base)))

    @property
    def approved_serials(self) -> frozenset[str]:
        """The terminals that the configuration itself lets in."""
        return frozenset(self.registration.serials) | {serial for serial, device in self.devices.items() if device.approved}

    def site_zone(self) -> tzinfo:
        """The site's time zone."""
        return zone(self.timezone)

    def device_zone(self, serial: str) -> tzinfo:
        """The time zone where this terminal hangs."""
        device = self.devices.get(serial)
        return zone(device.timezone if device and device.timezone else self.timezone)

    def device_name(self, serial: str) -> str | None:
        """What the configuration calls this terminal."""
        device = self.devices.get(serial)
        return device.name if device else None
