from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from bridge.catalogue import REPORTS
from bridge.catalogue.recognition import SnapshotFace
from bridge.config.zones import HostZone
from bridge.mqtt.events import EventRules, Kept, Subject, compose, event_id, is_kind, recompose
from bridge.mqtt.message import Publication
from bridge.mqtt.pictures import OVERHEAD_BYTES, PictureRules
from bridge.mqtt.topics import Topics
from bridge.session.happenings import Received
from bridge.session.terminal_clock import TerminalClock
from tests.values import json_values

SHANGHAI = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")
SUBJECT = Subject("0c16d06a", "Front door", SHANGHAI)
TOPICS = Topics("qyzn")
RULES = EventRules()
JPEG = b"\xff\xd8\xff\xe0 a face \xff\xd9"
PICTURE = base64.b64encode(JPEG).decode()
WALL = datetime(2019, 8, 2, 7, 42, 48, tzinfo=UTC).timestamp()
"""When the document's example was recorded, in Shanghai."""
EXAMPLE = dict(SnapshotFace.declaration.example)


def received(
    data: Any = None, name: str = "snapshot_face", *, sequence: int = 17, clock: TerminalClock | None = None, at: float = WALL
) -> Received:
    body = json.dumps({"message": name, "data": data}).encode()
    declaration = REPORTS.get(name)
    fields = data if isinstance(data, dict) else {}
    read, extra = (None, fields) if declaration is None else declaration.read(fields)
    return Received(
        name=name,
        declaration=declaration,
        data=read,
        extra=extra,
        sequence=sequence,
        version=2,
        digest=hashlib.sha256(body).digest(),
        received_at=at,
        clock=clock,
        wants_answer=True,
        body_bytes=len(body),
    )


def publications(
    data: Any = None, *, rules: EventRules = RULES, subject: Subject = SUBJECT, wall: float = WALL, **how: Any
) -> list[Publication]:
    return compose(received(data, **{"at": wall} | how), subject, TOPICS, rules, wall).publications


def event(data: Any = None, **how: Any) -> Any:
    return json.loads(publications(data, **how)[-1].payload)


# The contract's form.


def test_the_documents_example_as_an_event() -> None:
    data = {**EXAMPLE, "snapPic": PICTURE, "firmwareNews": [1]}
    image, said = compose(received(data, at=WALL + 1.5), SUBJECT, TOPICS, RULES, WALL + 2).publications
    assert said.topic == "qyzn/0c16d06a/event/recognition"
    assert (said.qos, said.retain, said.content_type) == (1, False, "application/json")
    identity = event_id("0c16d06a", received(data))
    golden = {
        "event_id": identity,
        "event_type": "matched",
        "device_id": "0c16d06a",
        "device_name": "Front door",
        "time": "2019-08-02T15:42:48+08:00",
        "received_at": "2019-08-02T15:42:49.500+08:00",
        "sequence": 17,
        "replay": False,
        "person_id": "5907d9b6bede435faf0828177e5bce07",
        "person_name": "韩梅梅",
        "person_type": 1,
        "face_id": "cf78bfabb138474c8b2b3a0077c9bec1",
        "id_number": "430726199801042312",
        "card_number": "123475",
        "score": 92.0,
        "body_temperature": None,
        "result": 1,
        "gender": None,
        "ethnicity": None,
        "birthday": None,
        "address": None,
        "id_expiry": None,
        "image": "qyzn/0c16d06a/image/recognition",
        "image_bytes": len(JPEG),
        "image_sha256": hashlib.sha256(JPEG).hexdigest(),
        "extra": {"firmwareNews": [1]},
    }
    assert json.loads(said.payload) == golden
    assert list(json.loads(said.payload)) == list(golden)
    assert image == Publication(
        "qyzn/0c16d06a/image/recognition",
        JPEG,
        content_type="image/jpeg",
        user_properties=(("event_id", identity), ("device_id", "0c16d06a")),
    )
    assert said.user_properties == image.user_properties


def test_both_pictures_go_before_their_event() -> None:
    first, second, said = publications({"snapPic": PICTURE, "comparePic": PICTURE})
    assert [first.topic, second.topic] == ["qyzn/0c16d06a/image/recognition", "qyzn/0c16d06a/image/recognition_compare"]
    assert len({first.user_properties, second.user_properties, said.user_properties}) == 1
    assert json.loads(said.payload)["compare_image"] == second.topic


def test_pictures_inline_are_in_the_event_alone() -> None:
    (said,) = publications({"snapPic": PICTURE}, rules=EventRules(pictures=PictureRules(on_topic=False, inline=True)))
    assert json.loads(said.payload)["image_base64"] == PICTURE


@pytest.mark.parametrize(
    ("fields", "event_type"),
    [
        ({"result": 1}, "matched"),
        ({"result": 1, "type": 2}, "blacklisted"),
        ({"result": "1", "type": "2"}, "blacklisted"),
        ({"result": 0, "type": 2}, "unmatched"),
        ({"result": 2}, "expired"),
        ({"result": 3}, "outside_hours"),
        ({"result": 9}, "unmatched"),
        ({}, "unmatched"),
    ],
)
def test_event_types(fields: dict[str, Any], event_type: str) -> None:
    assert event(fields)["event_type"] == event_type


def test_an_empty_message_is_an_event_too() -> None:
    said = event({})
    assert said["extra"] == {}
    assert (said["image"], "compare_image" in said) == (None, False)


def test_a_message_newer_than_the_catalogue_is_its_own_kind() -> None:
    (said,) = publications({"doorNo": 1, "deep": {"er": [None]}}, name="door_sensor")
    assert said.topic == "qyzn/0c16d06a/event/door_sensor"
    shown = json.loads(said.payload)
    assert (shown["event_type"], shown["extra"]) == ("door_sensor", {"doorNo": 1, "deep": {"er": [None]}})
    assert shown["time"] == "2019-08-02T15:42:48+08:00"


@pytest.mark.parametrize(
    ("name", "is_one"), [("door_sensor", True), ("reSend-2", True), ("", False), ("a/b", False), ("a+", False), ("a" * 65, False)]
)
def test_which_names_can_be_a_level_of_a_topic(name: str, is_one: bool) -> None:
    assert is_kind(name) is is_one


# Its id.


def test_the_id_of_a_record_is_the_same_however_often_it_comes() -> None:
    first, again = received(EXAMPLE, at=WALL), received(EXAMPLE, at=WALL + 900, clock=TerminalClock(WALL, 5.0))
    assert event_id("a", first) == event_id("a", again) == event_id("a", replace(again, version=5))
    assert len(event_id("a", first)) == 32


def test_the_id_differs_for_another_terminal_message_sequence_and_content() -> None:
    ids = {
        event_id("a", received(EXAMPLE)),
        event_id("b", received(EXAMPLE)),
        event_id("a", received(EXAMPLE, sequence=18)),
        event_id("a", received({**EXAMPLE, "score": 93})),
        event_id("a", received(EXAMPLE, name="other")),
    }
    assert len(ids) == 5


def test_the_id_is_the_same_in_every_version_of_the_bridge() -> None:
    digest = b"\0" * 32
    told = hashlib.sha256(b"a\nsnapshot_face\n17\n" + digest).hexdigest()
    assert event_id("a", replace(received(EXAMPLE), digest=digest)) == told[:32]


# Replayed or not.


@pytest.mark.parametrize(("age", "replay"), [(0, False), (30, False), (31, True), (86_400, True)])
def test_what_is_older_than_the_limit_is_replayed(age: int, replay: bool) -> None:
    said = publications(EXAMPLE, wall=WALL + age)[-1]
    shown = json.loads(said.payload)
    assert said.topic == f"qyzn/0c16d06a/event{'_replay' if replay else ''}/recognition"
    assert shown["replay"] is replay
    assert shown.get("age_s") == (age if replay else None)
    assert shown["time"] == "2019-08-02T15:42:48+08:00"


def test_the_limit_is_the_configurations() -> None:
    assert event(EXAMPLE, wall=WALL + 6, rules=EventRules(replay_after_s=5))["age_s"] == 6
    assert event(EXAMPLE, wall=WALL + 500, rules=EventRules(replay_after_s=600))["replay"] is False


def test_a_record_without_a_time_of_its_own_has_the_age_since_it_came() -> None:
    said = compose(received({"result": 1}), SUBJECT, TOPICS, RULES, WALL + 100).publications[-1]
    assert json.loads(said.payload)["age_s"] == 100


@pytest.mark.parametrize("text", ["soon", "2019-02-30 00:00:00", "2019-08-02", "20190802154248"])
def test_a_time_that_is_none_is_kept_as_it_came(text: str) -> None:
    said = event({"snaptime": text})
    assert (said["time"], said["replay"]) == ("2019-08-02T15:42:48+08:00", False)
    assert said["extra"] == {"snaptime": text}


def test_the_skew_keeps_an_event_on_its_topic() -> None:
    made_an_hour_ahead = {"snaptime": "2019-08-02 16:42:48"}
    clock = TerminalClock(WALL + 1, 3600.0)
    assert event(made_an_hour_ahead, clock=clock, wall=WALL + 2)["replay"] is False
    assert event(made_an_hour_ahead, clock=clock, wall=WALL + 600)["age_s"] == 600


def test_an_old_record_does_not_look_new_because_the_clock_was_wrong_once() -> None:
    made_an_hour_ago = {"snaptime": "2019-08-02 14:42:48"}
    said = event(made_an_hour_ago, clock=TerminalClock(WALL - 240, -3600.0))
    assert (said["replay"], said["age_s"]) == (True, 240)


def test_a_record_of_the_future_is_no_younger_than_the_last_sync() -> None:
    made_in_a_year = {"snaptime": "2020-08-02 15:42:48"}
    assert event(made_in_a_year)["replay"] is False, "nothing is known of the clock"
    assert event(made_in_a_year, clock=TerminalClock(WALL - 240, 0.0))["age_s"] == 240


# Zones.


def test_times_are_of_the_place_where_the_terminal_hangs() -> None:
    said = event({"snaptime": "2019-08-02 09:42:48"}, subject=replace(SUBJECT, zone=BERLIN))
    assert (said["time"], said["received_at"]) == ("2019-08-02T09:42:48+02:00", "2019-08-02T09:42:48.000+02:00")


AUTUMN = datetime(2024, 10, 27, 0, 0, tzinfo=UTC).timestamp()
"""02:00 in Berlin, an hour before the clock is set back to 02:00."""
SPRING = datetime(2024, 3, 31, 1, 0, tzinfo=UTC).timestamp()
"""When the clock in Berlin is set from 02:00 to 03:00."""


@pytest.mark.parametrize(
    ("wall", "snaptime", "time", "age"),
    [
        (AUTUMN + 1800, "2024-10-27 02:30:00", "2024-10-27T02:30:00+02:00", None),
        (AUTUMN + 1810, "2024-10-27 02:30:00", "2024-10-27T02:30:00+02:00", None),
        (AUTUMN + 3600 + 1800, "2024-10-27 02:30:00", "2024-10-27T02:30:00+01:00", None),
        (AUTUMN + 3600 + 1810, "2024-10-27 02:30:00", "2024-10-27T02:30:00+01:00", None),
        (AUTUMN + 7200 + 600, "2024-10-27 02:30:00", "2024-10-27T02:30:00+01:00", 2400),
        (AUTUMN + 7200, "2024-10-27 01:59:00", "2024-10-27T01:59:00+02:00", 7260),
        (SPRING + 5, "2024-03-31 03:00:05", "2024-03-31T03:00:05+02:00", None),
        # The terminal's clock is only set every five minutes, and does not know of summer.
        (SPRING + 5, "2024-03-31 02:00:05", "2024-03-31T02:00:05+01:00", None),
    ],
)
def test_the_hour_that_is_there_twice_and_the_one_that_is_not(wall: float, snaptime: str, time: str, age: int | None) -> None:
    said = event({"snaptime": snaptime}, wall=wall, subject=replace(SUBJECT, zone=BERLIN))
    assert (said["time"], said.get("age_s")) == (time, age)


@pytest.fixture
def host_in_berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("host_in_berlin")
@pytest.mark.parametrize("snaptime", ["0001-01-01 00:00:00", "1900-01-01 00:00:00", "9999-12-31 23:59:59", "2024-10-27 02:30:00"])
def test_any_time_in_the_hosts_own_zone(snaptime: str) -> None:
    said = event({"snaptime": snaptime}, subject=replace(SUBJECT, zone=HostZone()), wall=AUTUMN + 3600 + 1800)
    assert said["time"] == "2024-10-27T02:30:00+01:00" or said["time"].startswith(snaptime[:4])


# Privacy.


def test_fields_that_are_never_published() -> None:
    rules = EventRules(omit=frozenset({"id_number", "person_name", "address"}))
    said = publications(EXAMPLE, rules=rules)[-1]
    shown = json.loads(said.payload)
    assert not {"id_number", "person_name", "address"} & set(shown)
    assert shown["person_id"] == EXAMPLE["personId"]
    for secret in ("430726199801042312", "韩梅梅"):
        assert secret not in said.payload.decode()


@pytest.mark.parametrize("omitted", ["image", "compare_image"])
def test_a_picture_that_is_never_published(omitted: str) -> None:
    both = {"image": "recognition", "compare_image": "recognition_compare"}
    said = publications({"snapPic": PICTURE, "comparePic": PICTURE}, rules=EventRules(omit=frozenset({omitted})))
    kept = {kind for name, kind in both.items() if name != omitted}
    assert {each.topic.rpartition("/")[2] for each in said[:-1]} == kept
    shown = json.loads(said[-1].payload)
    assert not [name for name in shown if name.startswith(omitted)]


def test_an_omitted_field_that_could_not_be_read_is_not_published_in_extra() -> None:
    data = {"idNum": {"number": "4307"}, "fullname": ["x"], "other": {"idNum": "4307", "kept": 1}}
    assert event(data)["extra"] == {"idNum": {"number": "4307"}, "fullName": ["x"], "other": {"idNum": "4307", "kept": 1}}
    assert event(data, rules=EventRules(omit=frozenset({"id_number", "person_name"})))["extra"] == {"other": {"kept": 1}}


def test_an_omitted_field_of_a_message_that_nobody_knows_is_not_published() -> None:
    data = {"idNum": "4307", "id_number": "4307", "snapPic": PICTURE, "door": 1}
    shown = event(data, name="news", rules=EventRules(omit=frozenset({"id_number", "image"})))
    assert shown["extra"] == {"door": 1}


def test_where_no_pictures_are_published_none_slips_out_in_extra() -> None:
    rules = EventRules(pictures=PictureRules(on_topic=False))
    assert event({"snapPic": [PICTURE]}, rules=rules)["extra"] == {}
    assert event({"snapPic": PICTURE}, name="news", rules=rules)["extra"] == {}


# Brokers with a limit.


def test_an_event_that_the_broker_would_not_take_goes_without_what_is_bulky() -> None:
    data = {**EXAMPLE, "snapPic": base64.b64encode(JPEG + bytes(3000)).decode(), "news": "x" * 3000}
    inline = EventRules(pictures=PictureRules(on_topic=False, inline=True))
    assert {"image_base64", "extra"} <= set(event(data, rules=inline))
    assert event(data, rules=inline.within(None)) == event(data, rules=inline.within(100_000)) == event(data, rules=inline)
    fits = event(data, rules=inline.within(OVERHEAD_BYTES + 6000))
    assert ("image_base64" in fits, fits["image_error"], fits["extra"]["news"]) == (False, "too large for the broker", "x" * 3000)
    bare = event(data, rules=inline.within(OVERHEAD_BYTES + 2000))
    assert (bare["person_id"], bare["extra_error"], "extra" in bare) == (EXAMPLE["personId"], "too large for the broker", False)


def test_nothing_is_said_to_be_left_out_where_there_was_nothing() -> None:
    shown = event({**EXAMPLE, "fullName": "x" * 3000}, rules=EventRules().within(OVERHEAD_BYTES + 2000))
    assert (shown["extra"], "extra_error" in shown) == ({}, False)


def test_what_was_left_out_already_is_not_left_out_again_when_the_event_had_to_wait() -> None:
    rules = EventRules().within(OVERHEAD_BYTES + 2000)
    said = event({**EXAMPLE, "fullName": "x" * 3000, "news": "y"}, rules=rules)
    assert said["extra_error"] == "too large for the broker"
    kept = Kept("0c16d06a", "recognition", said["event_id"], WALL, json.dumps(said).encode())
    (again,) = recompose(kept, TOPICS, rules, WALL)
    assert json.loads(again.payload) == said


def test_a_picture_that_the_broker_would_not_take_is_left_out_and_said_so() -> None:
    data = {"snapPic": base64.b64encode(JPEG + bytes(3000)).decode()}
    (said,) = publications(data, rules=RULES.within(3000))
    assert json.loads(said.payload)["image_error"] == f"{len(JPEG) + 3000} bytes are over the limit of {3000 - OVERHEAD_BYTES}"


# Pictures in lists, and times in records.

PERSON = {"personId": "p1", "name": "张三", "faces": [{"faceId": "f1", "image": PICTURE}, {"faceId": "f2"}, {"image": "x", "angle": 3}]}


def test_each_face_of_a_person_is_published_before_the_person() -> None:
    image, said = publications(PERSON, name="device_sync_person")
    assert (image.topic, image.payload) == ("qyzn/0c16d06a/image/person", JPEG)
    assert said.topic == "qyzn/0c16d06a/event/person"
    person = json.loads(said.payload)
    absent = {"image": None, "image_bytes": None, "image_sha256": None}
    assert person["event_type"] == "synced"
    assert person["faces"] == [
        {"face_id": "f1", "image": image.topic, "image_bytes": len(JPEG), "image_sha256": hashlib.sha256(JPEG).hexdigest()},
        {"face_id": "f2", **absent},
        {"face_id": None, **absent, "image_error": "not base64"},
    ]
    assert person["extra"] == {"faces[2].angle": 3}


@pytest.mark.parametrize(
    ("omit", "face", "extra"),
    [
        ("image", {"face_id"}, {"faces[0].faceId"}),
        ("face_id", {"image", "image_bytes", "image_sha256"}, {"faces[0].image"}),
    ],
)
def test_what_is_omitted_is_omitted_of_faces_too(omit: str, face: set[str], extra: set[str]) -> None:
    rules = EventRules(omit=frozenset({omit}))
    assert set(event(PERSON, name="device_sync_person", rules=rules)["faces"][0]) == face
    odd = {"faces": [{"faceId": ["f"], "image": ["x"]}]}
    assert set(event(odd, name="device_sync_person", rules=rules)["extra"]) == extra


def test_no_faces_where_they_are_omitted() -> None:
    (said,) = publications(PERSON, name="device_sync_person", rules=EventRules(omit=frozenset({"faces"})))
    person = json.loads(said.payload)
    assert ("faces" in person, person["extra"]) == (False, {})


def test_faces_that_the_broker_would_not_take() -> None:
    inline = EventRules(pictures=PictureRules(on_topic=False, inline=True))
    picture = base64.b64encode(JPEG + bytes(3000)).decode()
    data = {"faces": [{"faceId": "f1", "image": picture}, {"faceId": "f2", "image": picture}]}
    first, second = event(data, name="device_sync_person", rules=inline.within(OVERHEAD_BYTES + 6000))["faces"]
    assert ("image_base64" in first, first["image_error"]) == (False, "too large for the broker")
    assert ("image_base64" in second, "image_error" in second) == (True, False)


def test_a_call_and_its_result_are_told_by_one_id() -> None:
    ring = event({"callNo": "304", "callRequestId": "c1", "picture": PICTURE}, name="device_call_param")
    assert (ring["event_type"], ring["call_id"], ring["call_number"]) == ("ring", "c1", "304")
    assert ring["image"] == "qyzn/0c16d06a/image/call"
    records = [{"callResult": 3, "endTime": "20190802154240"}]
    result = event({"callNo": "304", "callRequestId": "c1", "callRecords": records}, name="device_call_result")
    assert (result["event_type"], result["call_id"], result["time"]) == ("answered", "c1", "2019-08-02T15:42:40+08:00")
    assert (result["replay"], result["records"][0]["end_time"]) == (False, "2019-08-02T15:42:40+08:00")
    assert event({"callRecords": records}, name="device_call_result", wall=WALL + 60)["replay"] is True


# Whatever comes.

fields = st.dictionaries(
    st.sampled_from([*(name for name in EXAMPLE), "bodyTemp", "comparePic", "expiredate", "news", "extra", "event_id"]),
    json_values,
    max_size=6,
)
times = st.datetimes().map(lambda moment: moment.strftime("%Y-%m-%d %H:%M:%S"))
rules_of_any_kind = st.builds(
    EventRules,
    omit=st.frozensets(st.sampled_from(["image", "id_number", "person_name", "extra"])),
    pictures=st.builds(PictureRules, st.booleans(), st.booleans()),
    max_bytes=st.none() | st.integers(0, 1000),
)


@given(
    fields,
    times | st.none(),
    rules_of_any_kind,
    st.sampled_from(["snapshot_face", "news"]),
    st.sampled_from([SHANGHAI, BERLIN, HostZone()]),
)
def test_whatever_a_terminal_says_is_composed(data: dict[str, Any], snaptime: str | None, rules: EventRules, name: str, zone: Any) -> None:
    if snaptime is not None:
        data = {**data, "snaptime": snaptime}
    *pictures, said = publications(data, name=name, rules=rules, subject=replace(SUBJECT, zone=zone), clock=TerminalClock(WALL, -1e9))
    shown = json.loads(said.payload)
    assert shown["event_id"] == event_id("0c16d06a", received(data, name=name))
    assert shown["replay"] is ("event_replay" in said.topic)
    assert datetime.fromisoformat(shown["time"]).tzinfo is not None
    assert all(each.content_type == "image/jpeg" for each in pictures)
