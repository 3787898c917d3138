"""The fields of what the bridge says in its own words: of itself, of terminals, and around every event.

The code that says it builds plain JSON; tests hold what it says against these declarations.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

Time = str


def means(description: str, unit: str | None = None) -> Meta:
    """A field's meaning, and its unit."""
    return Meta(description=description, extra_json_schema={"x-unit": unit} if unit else None, extra={"unit": unit})


class EventHead(Struct, forbid_unknown_fields=True):
    """What every event begins with."""

    event_id: Annotated[str, means("the same when the same record is sent again: drop duplicates by it")]
    event_type: Annotated[str, means("what happened, in one word")]
    device_id: Annotated[str, means("the terminal's serial")]
    device_name: Annotated[str, means("what people call the terminal")]
    time: Annotated[Time, means("when it happened by the terminal's clock; ISO 8601, in the terminal's zone")]
    received_at: Annotated[Time, means("when the bridge got it; ISO 8601")]
    sequence: Annotated[int, means("the number of the terminal's message")]
    replay: Annotated[bool, means("whether it is older than `events.replay_after_s`; it is then on `event_replay/`")]
    age_s: Annotated[int | UnsetType, means("how old it is; only where it is replayed", "s")] = UNSET


class AnswerFields(Struct, forbid_unknown_fields=True):
    """What an event says that awaits an answer."""

    answer_topic: Annotated[str | UnsetType, means("where an answer is awaited; on MQTT 5 the Response Topic says the same")] = UNSET
    answer_by: Annotated[Time | UnsetType, means("until when an answer counts; ISO 8601")] = UNSET


class EventTail(Struct, forbid_unknown_fields=True):
    """What every event ends with."""

    extra: Annotated[
        dict[str, Any] | UnsetType, means("fields that the catalogue does not know, or cannot read, as the terminal sent them")
    ]
    extra_error: Annotated[str | UnsetType, means("why `extra` is missing, where the broker would not have taken the event")] = UNSET


class Counters(Struct, forbid_unknown_fields=True):
    """What was counted of one terminal since the bridge started."""

    events: Annotated[int, means("messages it reported")]
    commands: Annotated[int, means("commands for it")]
    refused: Annotated[int, means("commands for it that were refused, and not sent")]
    faults: Annotated[int, means("times it broke the protocol")]
    connections: Annotated[int, means("times it joined")]


class Memory(Struct, forbid_unknown_fields=True):
    """What the bridge occupies."""

    rss_bytes: Annotated[int, means("resident memory", "bytes")]


class LinkHealth(Struct, forbid_unknown_fields=True):
    """The connection to the broker."""

    connected: Annotated[bool, means("whether the broker is there")]
    congested: Annotated[bool, means("whether more is waiting to go out than should be")]


class CopiesHealth(Struct, forbid_unknown_fields=True):
    """Copies of what the broker has acknowledged, in the mode `always`. They wait for nothing, and are no part of `events` and `bytes`."""

    events: Annotated[int, means("how many are kept, in case the broker forgets them")]
    bytes: Annotated[int, means("how much that is, pictures included", "bytes")]
    dropped: Annotated[
        int, means("how many gave way before `keep_s`, since the bridge started; nothing is lost by that while the broker lives")
    ]


class OutboxHealth(Struct, forbid_unknown_fields=True):
    """What is kept on the disk until the broker has it."""

    events: Annotated[int, means("events that wait")]
    bytes: Annotated[int, means("what they and their pictures take", "bytes")]
    oldest_age_s: Annotated[float | None, means("how long the first of them has been waiting; null when nothing waits", "s")]
    events_dropped: Annotated[dict[str, int], means("events that will never be published, by cause: rows, bytes, age, undeliverable")]
    pictures_dropped: Annotated[dict[str, int], means("pictures alone, likewise")]
    files_set_aside: Annotated[int, means("damaged files that were moved aside")]
    fault: Annotated[str | None, means("why nothing can be written, if so; terminals are not answered then")]
    copies: Annotated[CopiesHealth, means("what is kept of what the broker has acknowledged")]


class ConnectionsHealth(Struct, forbid_unknown_fields=True):
    """The terminals' side as a whole."""

    open: Annotated[int, means("connections that there are, of terminals and of others")]
    complaints: Annotated[
        dict[str, int],
        means(
            "what was counted since the bridge started: connections turned away, by the limit's name; registers and logins refused, by the"
            " `kind` of `auth_failed`; `faulted` for breaches of the protocol; `slowed` for pauses of those that are too fast"
        ),
    ]


class Health(Struct, forbid_unknown_fields=True):
    """How the bridge does; each minute."""

    time: Annotated[Time, means("when this was found out")]
    uptime_s: Annotated[int, means("since the bridge started", "s")]
    memory: Annotated[Memory, means("what the bridge occupies")]
    mqtt: Annotated[LinkHealth, means("the connection to the broker")]
    outbox: Annotated[OutboxHealth, means("what waits for the broker on the disk")]
    connections: Annotated[ConnectionsHealth, means("the terminals' side as a whole")]
    terminals: Annotated[dict[str, Counters], means("for each terminal, by serial, what was counted since the start")]


class Checkpoint(Struct, forbid_unknown_fields=True):
    """Up to where the broker had acknowledged everything. It is for the bridge alone, which reads it when it has lost the connection."""

    run: Annotated[str, means("by what name the outbox knows its last opening")]
    below: Annotated[int, means("every event that has a lower number in the outbox had been acknowledged")]


class Limits(Struct, forbid_unknown_fields=True):
    """What the broker's CONNACK allows."""

    protocol: Annotated[Literal["5", "3.1.1"], means("the MQTT version spoken")]
    receive_maximum: Annotated[int, means("how many messages may wait for their PUBACK")]
    maximum_packet_bytes: Annotated[int | None, means("the largest packet; null for no limit", "bytes")]
    retain_available: Annotated[bool, means("whether the broker keeps retained messages")]
    maximum_qos: Annotated[int, means("the highest QoS")]
    keepalive_s: Annotated[int, means("the keep-alive in force", "s")]


class MqttInfo(Struct, forbid_unknown_fields=True):
    """The connection to the broker."""

    version: Annotated[str, means("the MQTT version spoken")]
    limits: Annotated[Limits, means("what the broker allows")]


class PermitJoinState(Struct, forbid_unknown_fields=True):
    """The window in which whoever registers is let in."""

    open: Annotated[bool, means("whether it is open")]
    until: Annotated[Time | None, means("when it closes; null when it is closed")]


class Info(Struct, forbid_unknown_fields=True):
    """What the bridge is and how it is set up."""

    version: Annotated[str, means("the bridge's version")]
    instance: Annotated[str | None, means("its name, where several share a broker")]
    started_at: Annotated[Time, means("when it started")]
    listeners: Annotated[list[str], means("where terminals connect, as Twisted endpoints")]
    mqtt: Annotated[MqttInfo | None, means("the connection to the broker")]
    permit_join: Annotated[PermitJoinState, means("the window in which whoever registers is let in")]
    configuration: Annotated[dict[str, Any], means("the configuration in force, its secrets masked")]


class Device(Struct, forbid_unknown_fields=True):
    """A terminal that the bridge knows."""

    id: Annotated[str, means("serial")]
    name: Annotated[str, means("what people call it")]
    model: Annotated[str | None, means("model")]
    mac: Annotated[str | None, means("MAC address, 12 upper-case hexadecimal digits")]
    firmware: Annotated[str | None, means("firmware version")]
    address: Annotated[str | None, means("where it last came from")]
    status: Annotated[Literal["pending", "approved", "blocked"], means("whether it may join")]
    online: Annotated[bool, means("whether it is connected")]
    last_seen: Annotated[Time, means("when it last came")]


class DeviceInfo(Struct, forbid_unknown_fields=True):
    """What a terminal is."""

    id: Annotated[str, means("serial")]
    name: Annotated[str, means("what people call it")]
    model: Annotated[str | None, means("model")]
    mac: Annotated[str | None, means("MAC address, 12 upper-case hexadecimal digits")]
    firmware: Annotated[str | None, means("firmware version, which only a login tells")]
    protocol_version: Annotated[int | None, means("the header version of its last message")]
    address: Annotated[str | None, means("where it connects from")]
    instance: Annotated[str | None, means("the bridge it is connected to, where several share a broker")]
    session_since: Annotated[Time, means("since when it is connected")]
    last_seen: Annotated[Time, means("when it was last heard of, to a minute; when it went, once it is away")]
    person_count: Annotated[
        int | None,
        means(
            "how many people it knows, by its answer to sync_person or clear_person; null until it is asked, and once that may have changed"
        ),
    ]
