"""The flows of `etc/node-red`: each is whole, runs as it is, and says nothing that the bridge does not: a name that changes in the
catalogue is missed here at once.

Whether they do what they promise is tried with a real Node-RED, in `tests/nodered_real`.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from bridge.catalogue import COMMANDS, REPORTS
from bridge.mqtt.commands import read_order
from bridge.reference.channel import Channel
from bridge.reference.output import all_channels

FOLDER = Path(__file__).parents[1] / "etc" / "node-red"
PATHS = sorted(FOLDER.glob("*.json"))
CORE = {
    "catch", "change", "comment", "csv", "debug", "delay", "file", "file in", "function", "http in", "http response", "inject",
    "mqtt in", "mqtt out", "mqtt-broker", "rbe", "switch", "tab",
}  # fmt: skip
"""What every Node-RED has, of what is used."""
CHANNELS = {channel.address.format(base="qyzn", device="+", message="*"): channel for channel in all_channels() if channel.schema}
ANSWERS: dict[str, tuple[str, list[dict[str, Any]]]] = {
    "qyzn-qrcodes-decide": ("qrcode_data", [{"event_id": "1", "open": True}]),
    "qyzn-rings-whom": (
        "device_call_param",
        [
            {"event_id": "1", "called": [{"user_id": "1001", "token": "t", "phone": "+43"}]},
            {"event_id": "1", "error": "no_such_flat"},
        ],
    ),
}
"""What a function answers, and to which question."""

Node = dict[str, Any]
every = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)


def read(path: Path) -> list[Node]:
    nodes: list[Node] = json.loads(path.read_text("utf-8"))
    return nodes


def of_type(nodes: list[Node], kind: str) -> list[Node]:
    return [node for node in nodes if node["type"] == kind]


def wires(node: Node) -> set[str]:
    return {target for output in node.get("wires", []) for target in output}


def topics_before(nodes: list[Node], node_id: str) -> set[str]:
    """The topics whose messages reach a node."""
    found, seen, ahead = set(), set(), [node_id]
    while ahead:
        wanted = ahead.pop()
        seen.add(wanted)
        found |= {node["topic"] for node in nodes if node["id"] == wanted and node["type"] == "mqtt in"}
        ahead += [node["id"] for node in nodes if wanted in wires(node) and node["id"] not in seen]
    return found


def keys_of(topics: set[str]) -> set[str]:
    """All that may stand in the JSON of these topics."""

    def properties(schema: Any) -> Iterator[str]:
        yield from schema.get("properties", ())
        for part in schema.get("$defs", {}).values():
            yield from properties(part)

    return {key for topic in topics for key in properties(channel(topic).schema)}


def channel(topic: str) -> Channel:
    found = CHANNELS.get(topic)
    assert found is not None, f"the bridge has no topic {topic}"
    return found


def test_there_are_the_three() -> None:
    assert [path.name for path in PATHS] == ["answer-a-ring.json", "qrcode-list.json", "recognitions-to-csv.json"]


def test_all_can_be_in_one_node_red() -> None:
    nodes = [node for path in PATHS for node in read(path)]
    ids = [node["id"] for node in nodes]
    assert len(ids) == len(set(ids))
    clients = [node["clientid"] for node in of_type(nodes, "mqtt-broker")]
    assert len(clients) == len(set(clients)) == len(PATHS)
    paths = [node["url"] for node in of_type(nodes, "http in")]
    assert len(paths) == len(set(paths))


@every
def test_a_flow_is_whole(path: Path) -> None:
    nodes = read(path)
    (tab,) = of_type(nodes, "tab")
    (broker,) = of_type(nodes, "mqtt-broker")
    assert {node["type"] for node in nodes} <= CORE
    ids = {node["id"] for node in nodes if node.get("z") == tab["id"]}
    assert len(ids) == len(nodes) - 2
    for node in nodes:
        assert wires(node) <= ids, node["name"]
        assert set(node.get("scope", ())) <= ids, node["name"]
        assert node.get("broker") in {None, broker["id"], "localhost"}, node["name"]
        assert not node.get("d"), f"{node['name']} is switched off"
        assert len(node.get("wires", [])) <= node.get("outputs", 1), node["name"]


@every
def test_it_explains_itself(path: Path) -> None:
    nodes = read(path)
    (tab,) = of_type(nodes, "tab")
    placed = [node for node in nodes if "y" in node]
    top = min(placed, key=lambda node: node["y"])
    assert (top["type"], top["info"]) == ("comment", tab["info"])
    assert "**You will see**" in tab["info"] or "**Who is called**" in tab["info"]
    assert "**To change**" in tab["info"]
    assert all(entry["name"] in tab["info"] for entry in tab["env"])
    assert not [node["id"] for node in placed if not node["name"] and node["type"] != "http in"]


@every
def test_it_is_laid_out(path: Path) -> None:
    boxes = {node["id"]: box(node) for node in read(path) if "y" in node}
    assert all(left >= 0 for left, *_ in boxes.values())
    lying = [(one, other) for one, other in combinations(boxes, 2) if overlap(boxes[one], boxes[other])]
    assert lying == []


def box(node: Node) -> tuple[float, float, float, float]:
    """About how large the editor draws it: left, right, top and bottom."""
    width = max(100, 20 * math.ceil((len(node["name"] or node.get("url", "")) * 7 + 50) / 20))
    height = max(30, 15 * len(node["wires"]))
    return node["x"] - width / 2, node["x"] + width / 2, node["y"] - height / 2, node["y"] + height / 2


def overlap(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one[0] < other[1] and other[0] < one[1] and one[2] < other[3] and other[2] < one[3]


@every
def test_it_runs_as_it_is_and_holds_no_secret(path: Path) -> None:
    nodes = read(path)
    (broker,) = of_type(nodes, "mqtt-broker")
    (tab,) = of_type(nodes, "tab")
    assert (broker["broker"], broker["port"], broker["protocolVersion"]) == ("localhost", "1883", "5")
    assert "credentials" not in path.read_text()
    assert [entry["value"] for entry in tab["env"] if entry["name"].endswith("_FILE")] != []
    assert {entry["value"] for entry in tab["env"] if entry["type"] == "cred"} <= {""}
    assert {node["qos"] for node in nodes if node["type"].startswith("mqtt ")} == {"1"}
    assert {node["retain"] for node in of_type(nodes, "mqtt out")} == {"false"}


def test_questions_are_not_kept_and_recognitions_are() -> None:
    for path in PATHS:
        (broker,) = of_type(read(path), "mqtt-broker")
        keeps = path.stem == "recognitions-to-csv"
        assert broker["clientid"]
        assert broker["cleansession"] is not keeps
        assert (int(broker["sessionExpiry"] or 0) > 0) is keeps, "with MQTT 5 the session ends at once, else"
        assert broker["autoUnsubscribe"] is not keeps, "it would unsubscribe when it is stopped"
        if not keeps:
            assert {(node["rap"], node["rh"]) for node in of_type(read(path), "mqtt in")} == {(True, 2)}


# What they know of the bridge.


@every
def test_its_topics_are_the_bridges(path: Path) -> None:
    nodes = read(path)
    for node in of_type(nodes, "mqtt in"):
        assert channel(node["topic"]).direction == "out"
    assert not [node["id"] for node in of_type(nodes, "mqtt out") if node["topic"]], "functions say where"
    for node in of_type(nodes, "function"):
        for target in re.findall(r"topic: (.*),", node["func"]):
            found = re.fullmatch(r"`qyzn/\$\{serial\}/command/(\w+)`", target)
            assert target == "event.answer_topic" or (found and found[1] in COMMANDS), target


@every
def test_its_fields_are_the_bridges(path: Path) -> None:
    nodes = read(path)
    for node in of_type(nodes, "function"):
        known = keys_of(topics_before(nodes, node["id"]))
        used = set(re.findall(r"\bevent\.(\w+)", node["func"]))
        if "const event" not in node["func"]:
            used |= set(re.findall(r"msg\.payload\.(\w+)", node["func"])) - {"filter", "length", "map"}
        assert used <= known, node["name"]
    for node in of_type(nodes, "switch"):
        used = set(re.findall(r"^payload\.(\w+)", node["property"]))
        assert used <= keys_of(topics_before(nodes, node["id"])), node["name"]


def test_the_check_of_fields_sees_them() -> None:
    nodes = read(FOLDER / "qrcode-list.json")
    topics = topics_before(nodes, "qyzn-qrcodes-decide")
    assert topics == {"qyzn/+/event/qrcode"}
    assert {"content", "answer_by", "answer_topic", "event_id", "replay"} <= keys_of(topics)
    assert "call_number" not in keys_of(topics)


def test_the_columns_are_fields_of_recognitions() -> None:
    nodes = read(FOLDER / "recognitions-to-csv.json")
    (tab,) = of_type(nodes, "tab")
    (columns,) = (entry["value"].split(",") for entry in tab["env"] if entry["name"] == "COLUMNS")
    for topic in topics_before(nodes, "qyzn-recognitions-line"):
        assert {*columns, "event_id"} <= keys_of({topic})


def function(node_id: str) -> str:
    (text,) = (node["func"] for path in PATHS for node in read(path) if node["id"] == node_id)
    assert isinstance(text, str)
    return text


@pytest.mark.parametrize("node_id", ANSWERS)
def test_its_answers_are_taken(node_id: str) -> None:
    report, examples = ANSWERS[node_id]
    question = REPORTS[report].question
    assert question is not None
    for example in examples:
        question.read(example)
    said = function(node_id)
    (payload,) = re.findall(r"payload: (\{.*\}),", said)
    people = re.findall(r"=> \(\{ ([\w, ]+) \}\)", said)
    names = re.findall(r"[{,] (\w+)(?=:| \})", payload) + [name for each in people for name in each.split(", ")]
    assert set(names) == {key for example in examples for key in [*example, *(example.get("called") or [{}])[0]]}
    assert set(re.findall(r'error: "(\w+)"', payload)) == {example["error"] for example in examples if "error" in example}


def test_the_order_to_open_is_one() -> None:
    (payload,) = re.findall(r"payload: (\{ transaction.*\}),", function("qyzn-rings-open"))
    assert re.findall(r"[{,] (\w+)(?=:|,)", payload) == ["transaction", "issued_at", "ttl", "source"]
    order = read_order(b'{"transaction": "1", "issued_at": "2026-11-24T08:00:00.000Z", "ttl": 10, "source": "node-red"}')
    assert (order.data, order.ttl_s) == ({}, 10)


def test_it_has_words_for_all_that_may_become_of_a_call() -> None:
    words = re.findall(r"^\s+(\w+): \"", function("qyzn-rings-words"), re.MULTILINE)
    types = [name for report in REPORTS.values() if report.event == "call" for name in report.data.event_types]
    assert sorted(words) == sorted(types)
    assert '"ring"' in json.dumps([node["rules"] for node in read(FOLDER / "answer-a-ring.json") if node["type"] == "switch"])
