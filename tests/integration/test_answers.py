"""What terminals ask, end to end: somebody answers over MQTT, or the configuration does, or nobody."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import signal
import subprocess
import time
from datetime import datetime
from typing import Any

import pytest

from tests.integration.bridge_process import PATIENCE_S, ROOT
from tests.integration.broker import Broker
from tests.integration.conftest import ConnectTerminal, Setting, StartBridge, Watch
from tests.integration.mqtt_watcher import MqttWatcher, Seen
from tests.integration.raw_terminal import JPEG, RawTerminal, recognition

README = ROOT / "README.md"
EVENT, ANSWER = "qyzn/T0001/event/qrcode", "qyzn/T0001/answer/qrcode"
RING, RING_ANSWER = "qyzn/T0001/event/call", "qyzn/T0001/answer/call"
LATE = "qyzn/bridge/event"
FLATS = """
[intercom.flats."304"]
called = [{ user_id = "u-4711", token = "token-4711", phone = "+43-4711" }]
device_token = "device-4711"
"""
BRIEF = "[answers]\ntimeout_s = 0.4\n"


def scan(terminal: RawTerminal, content: str = "code 1") -> int:
    return terminal.request("qrcode_data", {"content": content})


def ring(terminal: RawTerminal, flat: str = "304", call_id: str = "call-1") -> int:
    data = {"callNo": flat, "callRequestId": call_id, "picture": base64.b64encode(JPEG).decode()}
    return terminal.request("device_call_param", data, version=5)


def reported(watcher: MqttWatcher, reason: str) -> Any:
    """The report of an answer that did not count."""
    return watcher.first(LATE, lambda seen: _is_report(seen, reason)).json["data"]


def _is_report(seen: Seen, reason: str) -> bool:
    event = seen.json
    return bool(event["type"] == "answer_late" and event["data"]["reason"] == reason)


class TestCodes:
    def test_a_responder_decides(
        self, setting: Setting, start_bridge: StartBridge, connect_terminal: ConnectTerminal, watch: Watch
    ) -> None:
        bridge = start_bridge(setting.url, toml=setting.toml)
        responder = watch(setting.port, setting.protocol)
        terminal = connect_terminal(bridge.terminal_port).join()
        for number, is_open in enumerate([True, False]):
            sequence = scan(terminal, f"code {number}")
            seen = responder.first(EVENT, lambda seen, sequence=sequence: seen.json["sequence"] == sequence)  # type: ignore[misc]
            event = seen.json
            assert (event["event_type"], event["content"], event["answer_topic"]) == ("scanned", f"code {number}", ANSWER)
            assert 0 < datetime.fromisoformat(event["answer_by"]).timestamp() - time.time() <= 3.0
            if setting.protocol == "5":
                assert (seen.response_topic, seen.correlation_data) == (ANSWER, event["event_id"].encode())
            responder.publish(ANSWER, {"event_id": event["event_id"], "open": is_open})
            answer = terminal.answer_to(sequence)
            assert (answer["result"], answer["data"]) == (0, {"opendoor": int(is_open)})
        assert not [seen for seen in responder.on(LATE) if seen.json["type"] == "answer_late"]

    def test_by_the_properties_of_mqtt_5_alone(
        self, embedded: Setting, start_bridge: StartBridge, connect_terminal: ConnectTerminal, watch: Watch
    ) -> None:
        bridge = start_bridge(embedded.url)
        responder = watch(embedded.port)
        terminal = connect_terminal(bridge.terminal_port).join()
        first, second = scan(terminal, "code 1"), scan(terminal, "code 2")
        seen = responder.first(EVENT, lambda seen: seen.json["sequence"] == second)
        assert seen.response_topic is not None
        responder.publish(seen.response_topic, b"1", correlation_data=seen.correlation_data)
        assert terminal.answer_to(second)["data"] == {"opendoor": 1}
        responder.publish(ANSWER, b"false")
        assert terminal.answer_to(first)["data"] == {"opendoor": 0}

    def test_nobody_decides_and_an_answer_comes_late(
        self, setting: Setting, start_bridge: StartBridge, connect_terminal: ConnectTerminal, watch: Watch
    ) -> None:
        bridge = start_bridge(setting.url, toml=setting.toml + BRIEF)
        responder = watch(setting.port, setting.protocol)
        terminal = connect_terminal(bridge.terminal_port).join()
        began = time.monotonic()
        assert terminal.answer_to(scan(terminal))["data"] == {"opendoor": 0}
        assert 0.35 < time.monotonic() - began < 2.9
        event = responder.first(EVENT).json
        responder.publish(ANSWER, {"event_id": event["event_id"], "open": True})
        assert reported(responder, "late") == {"id": "T0001", "kind": "qrcode", "event_id": event["event_id"], "reason": "late"}
        assert terminal.hears_nothing()

    @pytest.mark.skipif(shutil.which("mosquitto_sub") is None, reason="no mosquitto_sub on this machine")
    def test_the_shell_script_of_the_readme_decides(
        self, embedded: Setting, start_bridge: StartBridge, connect_terminal: ConnectTerminal
    ) -> None:
        bridge = start_bridge(embedded.url, toml=BRIEF)
        (script,) = re.findall(r"^```sh\n(mosquitto_sub [^`]*answer/qrcode[^`]*)^```", README.read_text("utf-8"), re.MULTILINE)
        script = re.sub(r"mosquitto_[ps]ub", rf"\g<0> -p {embedded.port}", script)
        terminal = connect_terminal(bridge.terminal_port, "EXAMPLE1").join()
        responder = subprocess.Popen(["sh", "-c", script], start_new_session=True)
        try:
            deadline = time.monotonic() + PATIENCE_S
            while terminal.answer_to(scan(terminal, "4711"))["data"] == {"opendoor": 0}:  # it has not subscribed yet
                assert time.monotonic() < deadline
            assert terminal.answer_to(scan(terminal, "4712"))["data"] == {"opendoor": 0}
        finally:
            os.killpg(responder.pid, signal.SIGTERM)
            responder.wait()

    def test_opened_by_default(self, embedded: Setting, start_bridge: StartBridge, connect_terminal: ConnectTerminal, watch: Watch) -> None:
        bridge = start_bridge(embedded.url, toml=BRIEF + "qrcode_default_open = true\n")
        terminal = connect_terminal(bridge.terminal_port).join()
        assert terminal.answer_to(scan(terminal))["data"] == {"opendoor": 1}

    @pytest.mark.parametrize("protocol", ["5", "3.1.1"])
    def test_a_retained_answer_opens_nothing(
        self, mosquitto: Broker, start_bridge: StartBridge, connect_terminal: ConnectTerminal, watch: Watch, protocol: str
    ) -> None:
        responder = watch(mosquitto.port)
        responder.publish(ANSWER, b"1", retain=True)  # somebody did, long ago
        bridge = start_bridge(mosquitto.url, toml=BRIEF + f'[mqtt]\nprotocol = "{protocol}"\n')
        terminal = connect_terminal(bridge.terminal_port).join()
        sequence = scan(terminal)
        responder.first(EVENT)
        if protocol == "5":  # the broker was asked not to send the old one; 3.1.1 tells one that is published now from no other
            responder.publish(ANSWER, b"1", retain=True)
        assert reported(responder, "retained")["kind"] == "qrcode"
        assert terminal.answer_to(sequence)["data"] == {"opendoor": 0}

    def test_what_is_wrong_with_an_answer_is_said(
        self, embedded: Setting, start_bridge: StartBridge, connect_terminal: ConnectTerminal, watch: Watch
    ) -> None:
        bridge = start_bridge(embedded.url)
        responder = watch(embedded.port)
        terminal = connect_terminal(bridge.terminal_port).join()
        sequence = scan(terminal)
        responder.first(EVENT)
        responder.publish(ANSWER, {"open": "yes"})
        assert reported(responder, "invalid")["error"] == "answer.open: expected true or false"
        responder.publish(ANSWER, {"open": True})
        assert terminal.answer_to(sequence)["data"] == {"opendoor": 1}

    def test_no_answer_reaches_the_terminal_before_the_event_is_safe(
        self, mosquitto: Broker, start_bridge: StartBridge, connect_terminal: ConnectTerminal, watch: Watch
    ) -> None:
        bridge = start_bridge(mosquitto.url, toml="[answers]\ntimeout_s = 0.1\n")
        watcher = watch(mosquitto.port)
        terminal = connect_terminal(bridge.terminal_port).join()
        mosquitto.freeze()
        sequence = scan(terminal)
        terminal.heartbeat()
        assert terminal.hears_nothing(), "not even when the question's time is up"
        mosquitto.thaw()
        assert terminal.answer_to(sequence)["data"] == {"opendoor": 0}
        watcher.first(EVENT)

    def test_the_end_of_the_bridge_does_not_leave_the_terminal_waiting(
        self, embedded: Setting, start_bridge: StartBridge, connect_terminal: ConnectTerminal, watch: Watch
    ) -> None:
        bridge = start_bridge(embedded.url, toml="[answers]\ntimeout_s = 15\n")
        responder = watch(embedded.port)
        terminal = connect_terminal(bridge.terminal_port).join()
        sequence = scan(terminal)
        responder.first(EVENT)
        bridge.stop()
        assert terminal.answer_to(sequence)["data"] == {"opendoor": 0}


class TestRings:
    def test_answered_with_people(
        self, setting: Setting, start_bridge: StartBridge, connect_terminal: ConnectTerminal, watch: Watch
    ) -> None:
        bridge = start_bridge(setting.url, toml=setting.toml + FLATS)
        responder = watch(setting.port, setting.protocol)
        terminal = connect_terminal(bridge.terminal_port).join()
        sequence = ring(terminal)
        event = responder.first(RING).json
        assert (event["event_type"], event["call_id"], event["call_number"]) == ("ring", "call-1", "304")
        assert (event["image"], event["image_bytes"]) == ("qyzn/T0001/image/call", len(JPEG))
        assert responder.first("qyzn/T0001/image/call").payload == JPEG
        responder.publish(RING_ANSWER, {"event_id": event["event_id"], "called": [{"user_id": "u9", "phone": "+439"}], "max_seconds": 20})
        assert terminal.answer_to(sequence) == {
            "message": "device_call_param",
            "result": 0,
            "desc": "Success",
            "data": {
                "callRequestId": "call-1",
                "callNo": "304",
                "deviceId": "T0001",
                "deviceToken": "device-4711",
                "deviceName": "T0001",
                "callMaxSeconds": 20,
                "calleds": [{"userId": "u9", "token": "", "phoneNo": "+439"}],
            },
        }
        record = {"userId": "u9", "callResult": 3, "callType": 1, "openStatus": 1, "startTime": "", "endTime": ""}
        assert terminal.ask("device_call_result", {"callNo": "304", "callRequestId": "call-1", "callRecords": record})["result"] == 0
        result = responder.first(RING, lambda seen: seen.json["event_type"] == "answered").json
        assert result["call_id"] == "call-1"

    def test_answered_by_the_configuration_which_is_not_told_to_anybody(
        self, embedded: Setting, start_bridge: StartBridge, connect_terminal: ConnectTerminal, watch: Watch
    ) -> None:
        bridge = start_bridge(embedded.url, toml=BRIEF + FLATS)
        watcher = watch(embedded.port)
        terminal = connect_terminal(bridge.terminal_port).join()
        answer = terminal.answer_to(ring(terminal))
        assert (answer["result"], answer["data"]["deviceToken"], answer["data"]["callMaxSeconds"]) == (0, "device-4711", 60)
        assert answer["data"]["calleds"] == [{"userId": "u-4711", "token": "token-4711", "phoneNo": "+43-4711"}]
        flat = watcher.first("qyzn/bridge/info").json["configuration"]["intercom"]["flats"]["304"]
        assert len(flat["called"]) == 1
        assert "4711" not in json.dumps([str(seen.payload) for seen in watcher.messages]) + bridge.log

    def test_answered_by_nobody(
        self, embedded: Setting, start_bridge: StartBridge, connect_terminal: ConnectTerminal, watch: Watch
    ) -> None:
        bridge = start_bridge(embedded.url, toml=BRIEF + FLATS)
        responder = watch(embedded.port)
        terminal = connect_terminal(bridge.terminal_port).join()
        assert terminal.answer_to(ring(terminal, "305"))["result"] == 104
        for error, result in (("no_answer", 105), ("no_such_flat", 104)):
            sequence = ring(terminal, call_id=error)
            responder.first(RING, lambda seen, sequence=sequence: seen.json["sequence"] == sequence)  # type: ignore[misc]
            responder.publish(RING_ANSWER, {"error": error})
            assert terminal.answer_to(sequence)["result"] == result


def test_recognitions_and_persons_ask_only_where_they_are_told_to(
    embedded: Setting, start_bridge: StartBridge, connect_terminal: ConnectTerminal, watch: Watch
) -> None:
    bridge = start_bridge(embedded.url, toml='[answers]\nrecognition = "ask"\nperson = "ask"\n')
    responder = watch(embedded.port)
    terminal = connect_terminal(bridge.terminal_port).join()
    data = recognition()
    sequence = terminal.request("snapshot_face", data)
    responder.first("qyzn/T0001/event/recognition")
    responder.publish("qyzn/T0001/answer/recognition", {"open": False, "display": "余额不足余额不足"})
    expected = {"snaptime": data["snaptime"], "opendoor": 0, "screenDisp": "余额不足余额"}
    assert terminal.answer_to(sequence)["data"] == expected
    person = {"personId": "p1", "name": "somebody", "faces": [{"faceId": "f1", "image": base64.b64encode(JPEG).decode()}]}
    sequence = terminal.request("device_sync_person", person)
    responder.first("qyzn/T0001/event/person")
    assert responder.first("qyzn/T0001/image/person").payload == JPEG
    responder.publish("qyzn/T0001/answer/person", {"person_id": "p2", "faces": {"f1": "f2"}})
    renamed = {"oriPersonId": "p1", "newPersonId": "p2", "faces": [{"oriFaceId": "f1", "newFaceId": "f2"}]}
    assert terminal.answer_to(sequence)["data"] == renamed
