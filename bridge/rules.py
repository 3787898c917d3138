"""The configuration as the parts of the bridge want it told."""

from __future__ import annotations

from msgspec import UNSET

from bridge.catalogue.intercom import CalledReply, DeviceCallParamReply
from bridge.config import Config
from bridge.config.answers import Flat
from bridge.mqtt.events import EventRules
from bridge.mqtt.options import ConnectOptions
from bridge.mqtt.pictures import PictureRules
from bridge.outbox import Limits as OutboxLimits
from bridge.relay.answers import ALWAYS_ASKING, AnswerRules
from bridge.relay.calls import CommandRules
from bridge.relay.defaults import Defaults


def of_the_connection(config: Config) -> ConnectOptions:
    """How the bridge introduces itself to the broker."""
    username, password = config.mqtt.credentials
    return ConnectOptions(
        client_id=config.client_id,
        keepalive_s=config.mqtt.keepalive_s,
        protocol=config.mqtt.protocol,
        username=username,
        password=password,
        ca_file=config.mqtt.ca_file,
        cert_file=config.mqtt.cert_file,
        key_file=config.mqtt.key_file,
    )


def of_pictures(config: Config) -> PictureRules:
    """What becomes of pictures."""
    publish = config.images.publish
    return PictureRules(publish in ("topic", "both"), publish in ("inline", "both"), config.images.retain, config.limits.image_bytes)


def of_events(config: Config) -> EventRules:
    """What is published of what terminals report."""
    return EventRules(config.events.replay_after_s, frozenset(config.privacy.omit), of_pictures(config))


def of_the_outbox(config: Config) -> OutboxLimits:
    """How much is kept, and for how long."""
    outbox = config.outbox
    return OutboxLimits(outbox.max_events, outbox.max_bytes, outbox.max_age_s, outbox.keep_s if outbox.mode == "always" else 0.0)


def of_commands(config: Config) -> CommandRules:
    """What may be asked of terminals."""
    return CommandRules(
        deny=frozenset(config.commands.deny),
        raw=config.commands.raw,
        door_per_10_s=config.commands.door_per_10_s,
        unknown_fields=config.commands.unknown_fields,
        max_picture_bytes=config.limits.image_bytes,
        max_bytes=config.limits.frame_bytes,
        pictures=of_pictures(config),
        omit=frozenset(config.privacy.omit),
        shares=bool(config.instance),
    )


def of_answers(config: Config) -> AnswerRules:
    """Who is asked what, and for how long."""
    asked = {"recognition": config.answers.recognition == "ask", "person": config.answers.person == "ask"}
    return AnswerRules(
        timeout_s=config.answers.timeout_s,
        asking=ALWAYS_ASKING | {kind for kind, is_asked in asked.items() if is_asked},
        shares=bool(config.instance),
    )


def when_nobody_answers(config: Config) -> Defaults:
    """What terminals are told then."""
    return Defaults(config.answers.qrcode_default_open, {number: _call(flat) for number, flat in config.intercom.flats.items()})


def _call(flat: Flat) -> DeviceCallParamReply:
    """A flat's entry as the answer that it is."""
    called = [CalledReply(user_id=each.user_id or "", token=each.token or UNSET, phone=each.phone or UNSET) for each in flat.called]
    return DeviceCallParamReply(
        called=called,
        device_token=flat.device_token or UNSET,
        device_name=flat.device_name or UNSET,
        max_seconds=flat.max_seconds,
    )
