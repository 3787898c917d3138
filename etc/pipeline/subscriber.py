#!/usr/bin/env python3
"""Writes down every event of a qyzn-bridge once, with its pictures: JSON Lines for whatever pipeline follows.

The broker keeps what comes while this program is away, and what it has not acknowledged; it acknowledges what is on the disk. So it may be
killed at any moment: nothing is lost, and nothing is written twice. Who it is to the broker stands in the environment, as
QYZN_PIPELINE_USERNAME and QYZN_PIPELINE_PASSWORD. README.md tells more.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import signal
import sqlite3
import sys
import threading
from pathlib import Path
from typing import Any

from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

REMEMBERED = "-30 days"  # longer than the bridge keeps anything that it may publish again (outbox.max_age_s)
NOT_OF_THE_BRIDGE = (ValueError, KeyError, TypeError, RecursionError)


class Notebook:
    """A directory with events.jsonl, pictures/ and the ids of the events written. Everything may raise OSError or sqlite3.Error."""

    def __init__(self, directory: Path) -> None:
        os.umask(0o077)  # it is about people
        self._pictures = directory / "pictures"
        self._pictures.mkdir(parents=True, exist_ok=True)
        self._ids = sqlite3.connect(directory / "written.sqlite", timeout=0, isolation_level=None)
        self._ids.execute("PRAGMA locking_mode = EXCLUSIVE")  # a second program here would write everything a second time
        self._ids.execute("PRAGMA journal_mode = WAL")
        self._ids.execute("PRAGMA synchronous = FULL")
        self._ids.execute("CREATE TABLE IF NOT EXISTS written (event_id TEXT PRIMARY KEY, at TEXT DEFAULT CURRENT_TIMESTAMP)")
        self._ids.execute("DELETE FROM written WHERE at < datetime('now', ?)", (REMEMBERED,))
        self._lines = (directory / "events.jsonl").open("a+b")
        self._look_at_the_last_line()

    def _look_at_the_last_line(self) -> None:
        """Where the program was killed, it may be written and not noted, or half written."""
        self._lines.seek(0)
        end, last = 0, b""
        for line in self._lines:
            if line.endswith(b"\n"):
                end, last = end + len(line), line
        self._lines.truncate(end)
        if last:
            self._note(json.loads(last)["event_id"])

    def _note(self, event_id: str) -> None:
        self._ids.execute("INSERT OR IGNORE INTO written (event_id) VALUES (?)", (event_id,))

    def write_event(self, topic: str, payload: bytes | bytearray) -> None:
        """Write an event, unless it was written before, with its topic and the files of its pictures."""
        event = json.loads(payload)
        event_id = _safe(event["event_id"])
        if self._ids.execute("SELECT 1 FROM written WHERE event_id = ?", (event_id,)).fetchone():
            return
        files = sorted(str(file) for file in (self._pictures / event_id).glob("*.jpg"))
        self._lines.write(json.dumps({"topic": topic, **event, "picture_files": files}, ensure_ascii=False).encode() + b"\n")
        self._lines.flush()
        os.fsync(self._lines.fileno())
        self._note(event_id)

    def write_picture(self, event_id: str, picture: bytes | bytearray) -> None:
        """Write a picture, which comes before its event. Its name is its SHA-256, which the event tells."""
        folder = self._pictures / _safe(event_id)
        folder.mkdir(exist_ok=True)
        part = folder / "part"
        with part.open("wb") as written:
            written.write(picture)
            written.flush()
            os.fsync(written.fileno())
        part.rename(folder / f"{hashlib.sha256(picture).hexdigest()}.jpg")


def _safe(event_id: str) -> str:
    """What becomes part of a file's name. Raises ValueError for anything but an id."""
    if not re.fullmatch("[0-9a-f]{1,64}", event_id):
        raise ValueError(f"{event_id[:64]!r} is no event's id")
    return event_id


class Subscriber:
    """An MQTT client whose session stays with the broker."""

    def __init__(self, options: argparse.Namespace, notebook: Notebook) -> None:
        self._options, self._notebook = options, notebook
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, options.client_id, protocol=mqtt.MQTTv5, manual_ack=True)
        self._client.on_connect, self._client.on_message, self._client.on_disconnect = self._connected, self._arrived, self._disconnected
        if options.tls or options.ca_file:
            self._client.tls_set(options.ca_file)
        if "QYZN_PIPELINE_USERNAME" in os.environ:
            self._client.username_pw_set(os.environ["QYZN_PIPELINE_USERNAME"], os.environ.get("QYZN_PIPELINE_PASSWORD"))

    def run(self) -> None:
        """Until SIGTERM or SIGINT. The broker is dialled for as long as it takes."""
        options, session = self._options, Properties(PacketTypes.CONNECT)
        session.SessionExpiryInterval = options.session_days * 86_400
        for number in (signal.SIGTERM, signal.SIGINT):  # in a thread: what a signal interrupts may hold paho's locks
            signal.signal(number, lambda *_: threading.Thread(target=self._client.disconnect).start())
        self._client.connect_async(options.host, options.port, clean_start=False, properties=session)
        self._client.loop_forever(retry_first_connection=True)

    def _connected(self, _client: Any, _userdata: Any, flags: mqtt.ConnectFlags, reason: Any, _properties: Any) -> None:
        say(f"{self._options.host}: {reason}" + ("" if reason.is_failure or flags.session_present else ", a new session"))
        wanted = SubscribeOptions(qos=1, retainHandling=SubscribeOptions.RETAIN_DO_NOT_SEND)
        topics = (f"{self._options.base_topic}/+/{kind}/+" for kind in ("event", "event_replay", "image"))
        self._client.subscribe([(topic, wanted) for topic in topics])

    def _arrived(self, _client: Any, _userdata: Any, message: mqtt.MQTTMessage) -> None:
        properties = dict(getattr(message.properties, "UserProperty", ()))
        try:
            if "/image/" not in message.topic:
                self._notebook.write_event(message.topic, message.payload)
            elif "event_id" in properties:  # else it is of no event: a snapshot that somebody asked for
                self._notebook.write_picture(properties["event_id"], message.payload)
        except NOT_OF_THE_BRIDGE as error:
            say(f"left out what came on {message.topic}: {error!r:.200}")
        self._client.ack(message.mid, message.qos)

    def _disconnected(self, _client: Any, _userdata: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        say(f"disconnected: {reason}")


def say(text: str) -> None:
    sys.stderr.write(f"subscriber: {text}\n")


def options_of(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Write down every event of a qyzn-bridge, once, with its pictures.")
    parser.add_argument("directory", type=Path, help="where events.jsonl and pictures/ are written")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=1883)
    parser.add_argument("--tls", action="store_true", help="with an authority that this machine trusts")
    parser.add_argument("--ca-file", help="TLS with an authority of your own, a PEM file")
    parser.add_argument("--base-topic", default="qyzn")
    parser.add_argument("--client-id", default="qyzn-pipeline", help="the session's name: one for each subscriber")
    parser.add_argument("--session-days", type=int, default=7, help="how long the broker keeps events for a subscriber that is away")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    try:
        options = options_of(sys.argv[1:])
        Subscriber(options, Notebook(options.directory)).run()
    except (OSError, sqlite3.Error) as error:
        sys.exit(f"subscriber: {error}")
