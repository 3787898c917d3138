"""The yardstick: a plain bridge in asyncio, with streams for the terminals and aiomqtt for the broker.

It does what the bridge's contract says of a recognition and of open_door, and nothing else: no outbox, no registry, no limits, no duplicates
told apart, no validation, no digests of pictures.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import secrets
import socket
import struct
import sys
import time
from datetime import datetime
from typing import Any

import aiomqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

HEADER = struct.Struct("<4sBBBBIII")
HEARTBEAT, REQUEST, RESPONSE = 1, 3, 4
MAGIC = "P3K0eikSRSJHliME"
FIELDS = {
    "person_id": "personId",
    "person_name": "fullName",
    "person_type": "type",
    "face_id": "faceId",
    "id_number": "idNum",
    "card_number": "icNum",
    "score": "score",
    "body_temperature": "bodyTemp",
    "result": "result",
}


def frame(kind: int, sequence: int, body: Any = None, version: int = 2) -> bytes:
    encoded = b"" if body is None else json.dumps(body).encode()
    return HEADER.pack(b"QYZN", version, kind, 1, 0, int(time.time()), sequence, len(encoded)) + encoded


def sign(*parts: str) -> str:
    return hashlib.md5("".join((*parts, MAGIC)).encode(), usedforsecurity=False).hexdigest()


class Bridge:
    """Terminals on one side, an MQTT client on the other."""

    def __init__(self, mqtt: aiomqtt.Client) -> None:
        self.mqtt = mqtt
        self.terminals: dict[str, asyncio.StreamWriter] = {}
        self.secrets: dict[str, tuple[str, str]] = {}
        self.waiting: dict[tuple[str, int], asyncio.Future[Any]] = {}
        self.sequence = 0
        self.tasks: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One terminal's connection."""
        serial = ""
        try:
            while True:
                _, version, kind, _, _, _, sequence, size = HEADER.unpack(await reader.readexactly(HEADER.size))
                body = await reader.readexactly(size)
                if kind == HEARTBEAT:
                    writer.write(frame(HEARTBEAT, 0))
                elif kind == RESPONSE and (waiting := self.waiting.pop((serial, sequence), None)):
                    waiting.set_result(json.loads(body))
                elif kind == REQUEST:
                    request = json.loads(body)
                    if request["message"] == "snapshot_face":
                        answer = await self.publish(serial, sequence, request["data"])
                    else:
                        serial, answer = await self.identify(serial, request["message"], request["data"], writer)
                    writer.write(frame(RESPONSE, sequence, {"message": request["message"], "desc": "success", **answer}, version))
        except (asyncio.IncompleteReadError, ConnectionError):
            self.terminals.pop(serial, None)
        finally:
            writer.close()

    async def identify(self, serial: str, message: str, data: Any, writer: asyncio.StreamWriter) -> tuple[str, Any]:
        """A register or a login."""
        if message == "register" and data["sign"] == sign(data["serial"], data["mac"], data["timestamp"]):
            serial, uuid, passwd = data["serial"], secrets.token_hex(16), secrets.token_hex(8)
            self.secrets[uuid] = serial, passwd
            return serial, {"result": 0, "data": {"uuid": uuid, "passwd": passwd}}
        known = self.secrets.get(data.get("uuid"))
        if message != "login" or known is None or data["sign"] != sign(data["uuid"], known[1], data["timestamp"]):
            return serial, {"result": 106, "data": {}}
        self.terminals[known[0]] = writer
        await self.mqtt.publish(f"qyzn/{known[0]}/availability", "online", qos=1, retain=True)
        return known[0], {"result": 0, "data": {}}

    async def publish(self, serial: str, sequence: int, data: Any) -> Any:
        """The picture, its event, and what the terminal is answered when the broker has both."""
        properties = Properties(PacketTypes.PUBLISH)
        event_id = f"{serial}-{sequence}"
        properties.UserProperty = [("event_id", event_id), ("device_id", serial)]
        publishing = []
        jpeg = base64.b64decode(data["snapPic"]) if data.get("snapPic") else None
        topic = f"qyzn/{serial}/image/recognition" if jpeg else None
        if topic is not None:
            publishing.append(self.mqtt.publish(topic, jpeg, qos=1, properties=properties))
        event = {
            "event_id": event_id,
            "event_type": "matched" if data["result"] == 1 else "unmatched",
            "device_id": serial,
            "device_name": serial,
            "time": datetime.fromisoformat(data["snaptime"]).astimezone().isoformat(),
            "received_at": datetime.now().astimezone().isoformat(timespec="milliseconds"),
            "sequence": sequence,
            "replay": False,
            **{name: data.get(theirs) for name, theirs in FIELDS.items()},
            "image": topic,
            "image_bytes": len(jpeg) if jpeg else None,
        }
        publishing.append(self.mqtt.publish(f"qyzn/{serial}/event/recognition", json.dumps(event), qos=1, properties=properties))
        await asyncio.gather(*publishing)
        return {"result": 0, "data": {"snaptime": data["snaptime"]}}

    async def obey(self) -> None:
        """Commands, until the connection to the broker ends."""
        await self.mqtt.subscribe("qyzn/+/command/open_door", qos=1)
        async for message in self.mqtt.messages:
            task = asyncio.create_task(self.open_door(str(message.topic).split("/")[1]))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)

    async def open_door(self, serial: str) -> None:
        """The command to the terminal, and its answer back."""
        response: dict[str, Any] = {"status": "error", "command": "open_door", "device_id": serial, "code": "device_offline"}
        writer = self.terminals.get(serial)
        if writer is not None:
            self.sequence += 1
            waiting = self.waiting[serial, self.sequence] = asyncio.get_running_loop().create_future()
            writer.write(frame(REQUEST, self.sequence, {"message": "open_door", "data": {}}))
            answer = await asyncio.wait_for(waiting, 10)
            response = {"status": "ok", "command": "open_door", "device_id": serial, "result": answer["result"], "data": answer["data"]}
        await self.mqtt.publish(f"qyzn/{serial}/response/open_door", json.dumps(response), qos=1)


async def main(terminal_port: int, broker_port: int) -> None:
    nodelay = [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)]
    async with aiomqtt.Client(
        "127.0.0.1", broker_port, identifier="peer", protocol=aiomqtt.ProtocolVersion.V5, socket_options=nodelay, max_inflight_messages=100
    ) as mqtt:
        mqtt.pending_calls_threshold = 20_000  # it warns of more than ten calls at once
        bridge = Bridge(mqtt)
        async with await asyncio.start_server(bridge.serve, "127.0.0.1", terminal_port, limit=1 << 20, backlog=1024):
            print("ready", flush=True)
            await bridge.obey()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
