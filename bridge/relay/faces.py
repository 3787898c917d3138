"""Faces as plain JPEGs: a picture published on `command/add_face/<personId>/<faceId>` becomes the command add_face."""

from __future__ import annotations

from bridge.catalogue.face import AddFace
from bridge.mqtt.commands import Order
from bridge.mqtt.topics import FaceTopic
from bridge.relay.calls import Wish
from bridge.wire import encode_base64

ADD_FACE = AddFace.declaration.name


def wish(topic: FaceTopic) -> Wish:
    """What a picture on this topic asks for. The ids come from the topic, the picture is the payload, whole."""

    def read(payload: bytes) -> Order:
        return Order({"personId": topic.person, "faceId": topic.face, "image": encode_base64(payload)})

    return Wish(f"{ADD_FACE}/{topic.person}/{topic.face}", lambda _, data: (AddFace.declaration.check(data), {}), read)
