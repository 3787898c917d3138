"""What terminals ask: who decides, until when, and what never does. Answers reach the terminal as frames."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.catalogue.intercom import CalledReply, DeviceCallParamReply
from bridge.errors import BrokerAway
from bridge.mqtt.message import Message
from bridge.mqtt.topics import AnswerTopic
from bridge.relay.answers import AnswerRules
from bridge.relay.defaults import Defaults
from bridge.relay.questions import MOST_OPEN
from bridge.wire import MessageType
from tests.relay.questioner import ASK_ALL, Questioner
from tests.terminal.lobby import FACE, logged
from tests.values import json_values

FLAT = DeviceCallParamReply(
    called=[CalledReply(user_id="u1", token="t1", phone="+431"), CalledReply(user_id="u2")], device_token="d1", max_seconds=90
)
PERSON = {"personId": "p1", "personCode": "c1", "name": "Jane", "faces": [{"faceId": "f1"}, {"faceId": "f2"}]}


def asked() -> Questioner:
    """A terminal that has asked about one code."""
    site = Questioner()
    site.scan()
    return site


class TestTheQuestion:
    def test_the_event_says_where_and_until_when_an_answer_is_awaited(self) -> None:
        site = asked()
        event, publication = site.event(), site.outlet.published[-1]
        assert publication.topic == "qyzn/HG1/event/qrcode"
        assert (event["answer_topic"], event["answer_by"]) == ("qyzn/HG1/answer/qrcode", "2019-07-31T09:18:02.500+08:00")
        assert (publication.response_topic, publication.correlation_data) == ("qyzn/HG1/answer/qrcode", event["event_id"].encode())

    def test_an_event_that_asks_nothing_says_nothing_of_it(self) -> None:
        site = Questioner()
        site.say("snapshot_face", FACE)
        assert not {"answer_topic", "answer_by"} & site.event().keys()
        assert (site.outlet.published[-1].response_topic, site.outlet.published[-1].correlation_data) == (None, None)
        assert site.heard()[7]["data"] == {"snaptime": FACE["snaptime"]}
        assert site.timers() == 0

    def test_a_copy_does_not_ask_again_and_gets_the_same_answer(self) -> None:
        site = asked()
        site.scan()
        assert len(site.outlet.published) == 1
        site.answer(True)
        assert site.doors() == {7: 1}
        site.scan()
        assert site.doors() == {7: 1}
        assert len(site.outlet.published) == 1

    def test_a_notification_cannot_be_answered_and_asks_nothing(self) -> None:
        site = Questioner()
        site.say("qrcode_data", {"content": "1"}, type=MessageType.NOTIFICATION)
        assert "answer_topic" not in site.event()
        assert site.timers() == 0

    def test_beyond_so_many_at_once_the_default_holds_at_once(self) -> None:
        site = Questioner()
        for number in range(MOST_OPEN + 1):
            site.scan(sequence=number)
        assert site.doors() == {MOST_OPEN: 0}
        assert "answer_topic" not in site.event()
        assert site.timers() == MOST_OPEN

    def test_nobody_is_asked_about_an_event_that_is_over(self) -> None:
        site = Questioner(AnswerRules(asking=ASK_ALL))
        site.say("snapshot_face", {**FACE, "snaptime": "2019-07-31 09:17:00"})
        assert site.outlet.published[-1].topic == "qyzn/HG1/event_replay/recognition"
        assert "answer_topic" not in site.event()
        assert "opendoor" not in site.heard()[7]["data"]


class TestAnAnswer:
    @pytest.mark.parametrize(
        ("said", "door"),
        [({"open": True}, 1), ({"open": False}, 0), (b"1", 1), (b"0", 0), (b"true", 1), (b"false", 0), (b" 1\n", 1)],
        ids=str,
    )
    def test_decides_about_the_door(self, said: Any, door: int) -> None:
        site = asked()
        assert site.doors() == {}
        site.answer(said)
        assert site.doors() == {7: door}
        assert site.told == []
        assert site.timers() == 0

    def test_the_first_counts(self) -> None:
        site = asked()
        site.answer(False)
        site.answer({"open": True, "event_id": site.event()["event_id"]})
        assert site.doors() == {7: 0}
        assert site.reasons() == ["answered"]

    def test_without_a_name_it_goes_to_the_one_that_has_waited_longest(self) -> None:
        site = asked()
        site.scan(sequence=8)
        site.answer(True)
        site.answer(False)
        assert site.doors() == {7: 1, 8: 0}

    def test_by_event_id(self) -> None:
        site = asked()
        site.scan(sequence=8)
        site.answer({"open": True, "event_id": site.event(1)["event_id"]})
        assert site.doors() == {8: 1}

    def test_by_correlation_data(self) -> None:
        site = asked()
        site.scan(sequence=8)
        site.answer(b"1", correlation_data=site.outlet.published[1].correlation_data)
        assert site.doors() == {8: 1}

    def test_the_event_id_wins_over_the_correlation_data(self) -> None:
        site = asked()
        site.scan(sequence=8)
        site.answer({"open": True, "event_id": site.event(0)["event_id"]}, correlation_data=site.outlet.published[1].correlation_data)
        assert site.doors() == {7: 1}

    def test_waits_until_the_event_is_safe(self) -> None:
        site = Questioner()
        site.outlet.is_slow = True
        site.scan()
        site.answer(True)
        assert site.doors() == {}
        site.outlet.acknowledge()
        assert site.doors() == {7: 1}


class TestNoAnswer:
    def test_the_door_stays_shut_when_the_time_is_up(self) -> None:
        site = asked()
        site.wait(2.9)
        assert site.doors() == {}
        site.wait(0.2)
        assert site.doors() == {7: 0}

    def test_or_opens_if_that_is_what_the_configuration_says(self) -> None:
        site = Questioner(AnswerRules(timeout_s=5.0), Defaults(qrcode_open=True))
        site.scan()
        site.wait(4.9)
        assert site.doors() == {}
        site.wait(0.2)
        assert site.doors() == {7: 1}

    def test_the_default_too_waits_until_the_event_is_safe(self) -> None:
        site = Questioner()
        site.outlet.is_slow = True
        site.scan()
        site.wait(10.0)
        assert site.doors() == {}
        site.outlet.acknowledge()
        assert site.doors() == {7: 0}


class TestWhatNeverActs:
    def test_a_late_one(self) -> None:
        site = asked()
        site.wait(3.0)
        site.answer({"open": True, "event_id": site.event()["event_id"]})
        site.answer(True)
        assert site.doors() == {7: 0}
        told = {"type": "answer_late", "id": "HG1", "kind": "qrcode", "reason": "late"}
        assert site.told == [{**told, "event_id": site.event()["event_id"]}, {**told, "event_id": None}]

    def test_a_retained_one(self) -> None:
        site = asked()
        site.answer(True, retain=True)
        assert (site.doors(), site.reasons()) == ({}, ["retained"])
        site.answer(True)
        assert site.doors() == {7: 1}

    @pytest.mark.parametrize("more", [{"event_id": "0" * 32}, {"correlation_data": b"0" * 32}, {"correlation_data": b"\xff"}], ids=str)
    def test_one_to_another_event(self, more: dict[str, Any]) -> None:
        site = asked()
        correlation = {name: more[name] for name in more if name == "correlation_data"}
        site.answer({"open": True, **{name: more[name] for name in more if name == "event_id"}}, **correlation)
        assert (site.doors(), site.reasons()) == ({}, ["unknown"])

    @pytest.mark.parametrize(("device", "kind"), [("HG2", "qrcode"), ("HG1", "call"), ("HG1", "recognition"), ("HG1", "x" * 999)])
    def test_one_to_no_question(self, device: str, kind: str) -> None:
        site = asked()
        said = {"called": [{"user_id": "u1"}]} if kind == "call" else {"open": True}
        site.answer(said, kind, device=device)
        assert (site.doors(), site.reasons()) == ({}, ["unknown"])
        assert (site.told[0]["id"], site.told[0]["kind"]) == (device, kind[:64])

    @pytest.mark.parametrize(
        ("said", "error"),
        [
            (b"", "answer: expected JSON"),
            (b"yes", "answer: expected JSON"),
            (b"\xff", "answer: expected JSON"),
            (b"2", "answer: expected an object"),
            (b"1.0", "answer: expected an object"),
            (b'"true"', "answer: expected an object"),
            (b"null", "answer: expected an object"),
            (b"{}", "answer.open: expected a value"),
            ({"open": 1}, "answer.open: expected true or false"),
            ({"open": "true"}, "answer.open: expected true or false"),
            ({"opendoor": 1}, "answer.opendoor: expected no such field"),
            ({"open": True, "event_id": 7}, "answer.event_id: expected text"),
            ({"open": True, "event_id": ""}, "answer.event_id: expected 1 to 64 bytes"),
            ({"open": True, "event_id": "x" * 65}, "answer.event_id: expected 1 to 64 bytes"),
            (b" " * 65_536 + b"1", "answer: expected at most 65536 bytes"),
            (b"[" * 20_000, "answer: expected JSON"),
        ],
        ids=lambda each: str(each)[:40],
    )
    def test_one_that_cannot_be_read_and_the_question_stays_open(self, said: Any, error: str) -> None:
        site = asked()
        site.answer(said)
        assert (site.doors(), site.reasons()) == ({}, ["invalid"])
        assert site.told[0]["error"].startswith(error)
        site.answer(True)
        assert site.doors() == {7: 1}

    def test_what_it_said_is_not_repeated(self) -> None:
        site = Questioner()
        site.ring()
        site.answer({"called": [{"user_id": "u1", "token": ["Secret"], "phone": "+43"}], "Secret": "Secret"}, "call")
        site.answer({"called": [{"user_id": "u1", "token": {"Secret": 1}}]}, "call")
        assert site.reasons() == ["invalid", "invalid"]
        assert '"Secret"' not in str(site.told)

    def test_one_for_a_terminal_of_another_bridge_that_shares_the_base_topic(self) -> None:
        site = Questioner(AnswerRules(shares=True))
        site.answer(True, device="HG2")
        assert site.told == []
        site.answer(True)
        assert site.reasons() == ["unknown"]

    def test_a_defect_is_told_and_costs_this_answer_alone(self, monkeypatch: pytest.MonkeyPatch) -> None:
        site = asked()
        with logged() as events, monkeypatch.context() as patch:
            patch.setattr("bridge.relay.answers.read_answer", lambda message: 1 / 0)
            site.answer(True)
        assert [event["log_failure"].type for event in events] == [ZeroDivisionError]
        assert (site.doors(), site.reasons()) == ({}, ["invalid"])
        site.answer(True)
        assert site.doors() == {7: 1}


class TestAgeing:
    def test_an_event_that_is_not_safe_withdraws_its_question(self) -> None:
        site = Questioner()
        site.outlet.is_slow = True
        site.scan()
        site.answer(True)
        site.outlet.lose(BrokerAway("gone"))
        assert (site.doors(), site.timers()) == ({}, 0)
        site.wait(4.0)
        assert site.doors() == {}, "the terminal keeps the record"
        site.answer({"open": True, "event_id": site.event()["event_id"]})
        assert site.reasons() == ["answered"]

    def test_an_answer_after_the_question_was_withdrawn(self) -> None:
        site = Questioner()
        site.outlet.is_slow = True
        site.scan()
        with logged() as events:
            site.outlet.lose(BrokerAway("gone"))
        site.answer(True)
        assert (events, site.doors(), site.reasons()) == ([], {}, ["withdrawn"])

    def test_sent_again_soon_it_asks_again(self) -> None:
        site = Questioner()
        site.outlet.is_slow = True
        site.scan()
        first = site.event()["event_id"]
        site.outlet.lose(BrokerAway("gone"))
        site.outlet.is_slow = False
        site.wait(20.0)
        site.scan()
        assert (site.event()["event_id"], site.event()["replay"]) == (first, False)
        site.answer({"open": True, "event_id": first})
        assert site.doors() == {7: 1}

    def test_sent_again_late_it_is_as_old_as_it_is_and_opens_no_door(self) -> None:
        site = Questioner(defaults=Defaults(qrcode_open=True))
        site.outlet.is_slow = True
        for _ in range(2):
            site.scan()
            site.outlet.lose(BrokerAway("gone"))
            site.wait(20.0)
        site.outlet.is_slow = False
        site.scan()
        assert site.outlet.published[-1].topic == "qyzn/HG1/event_replay/qrcode"
        assert (site.event()["replay"], site.event()["age_s"]) == (True, 40)
        assert "answer_topic" not in site.event()
        assert site.doors() == {7: 0}, "not even where codes open by default"

    def test_a_new_code_afterwards_is_new(self) -> None:
        site = Questioner()
        site.outlet.is_slow = True
        site.scan()
        site.outlet.lose(BrokerAway("gone"))
        site.outlet.is_slow = False
        site.wait(40.0)
        site.scan()
        site.heard()
        site.scan(sequence=8)
        site.answer(True)
        assert site.doors() == {8: 1}

    def test_an_acknowledgement_that_comes_too_late_opens_no_door(self) -> None:
        site = Questioner()
        site.outlet.is_slow = True
        site.scan()
        site.answer(True)
        site.wait(31.0)
        site.outlet.acknowledge()
        assert site.doors() == {7: 0}

    def test_a_copy_that_comes_too_late_opens_no_door(self) -> None:
        site = asked()
        site.answer(True)
        site.hang_up()
        site.come_back()
        site.wait(25.0)
        site.scan()
        assert site.doors() == {7: 1}
        site.wait(10.0)
        site.scan()
        assert site.doors() == {7: 0}
        assert len(site.outlet.published) == 1

    def test_a_ring_that_is_over_calls_nobody(self) -> None:
        site = Questioner(defaults=Defaults(flats={"304": FLAT}))
        site.outlet.is_slow = True
        site.ring()
        site.wait(31.0)
        site.outlet.acknowledge()
        assert site.heard()[7]["result"] == 105


class TestEnds:
    def test_a_terminal_that_leaves_takes_its_questions_along(self) -> None:
        site = asked()
        site.hang_up()
        assert site.lobby.timers() == 0
        site.answer(True)
        assert site.reasons() == ["withdrawn"]

    def test_when_it_is_back_it_asks_again(self) -> None:
        site = asked()
        site.hang_up()
        site.come_back()
        site.scan()
        assert len(site.outlet.published) == 2
        site.answer(True)
        assert site.doors() == {7: 1}

    def test_a_new_connection_in_place_of_the_old_one_gets_the_answer(self) -> None:
        site = asked()
        site.come_back()
        site.scan()
        assert len(site.outlet.published) == 1
        site.answer(True)
        assert site.doors() == {7: 1}

    def test_at_the_end_of_the_bridge_open_questions_get_their_default_at_once(self) -> None:
        site = asked()
        idle = site.events.when_idle()
        over: list[None] = []
        idle.addCallback(over.append)
        assert over == []
        site.answers.shutting_down()
        assert site.doors() == {7: 0}
        assert over == [None]
        assert site.timers() == 0

    def test_and_nobody_is_asked_any_more(self) -> None:
        site = Questioner()
        site.answers.shutting_down()
        site.scan()
        assert site.doors() == {7: 0}
        assert "answer_topic" not in site.event()


class TestRings:
    def test_answered_with_people(self) -> None:
        site = Questioner()
        site.ring()
        event = site.event()
        assert (event["event_type"], event["call_id"], event["call_number"]) == ("ring", "c1", "304")
        assert [each.topic for each in site.outlet.published] == ["qyzn/HG1/image/call", "qyzn/HG1/event/call"]
        called = [{"user_id": "u1", "token": "t1", "phone": "+431"}, {"user_id": 7}]
        site.answer({"called": called, "device_token": "d1", "device_name": "Gate", "max_seconds": 30}, "call")
        assert site.heard()[7] == {
            "message": "device_call_param",
            "result": 0,
            "desc": "Success",
            "data": {
                "callRequestId": "c1",
                "callNo": "304",
                "deviceId": "HG1",
                "deviceToken": "d1",
                "deviceName": "Gate",
                "callMaxSeconds": 30,
                "calleds": [{"userId": "u1", "token": "t1", "phoneNo": "+431"}, {"userId": "7", "token": "", "phoneNo": ""}],
            },
        }

    def test_answered_by_the_configuration_when_nobody_does(self) -> None:
        site = Questioner(defaults=Defaults(flats={"304": FLAT}))
        site.ring()
        assert site.heard() == {}
        site.wait(3.0)
        answer = site.heard()[7]
        assert answer["result"] == 0
        assert (answer["data"]["deviceToken"], answer["data"]["deviceName"], answer["data"]["callMaxSeconds"]) == ("d1", "Front door", 90)
        assert [each["userId"] for each in answer["data"]["calleds"]] == ["u1", "u2"]

    def test_people_without_the_rest_are_completed_from_the_configuration(self) -> None:
        site = Questioner(defaults=Defaults(flats={"304": FLAT}))
        site.ring()
        site.answer({"called": [{"user_id": "u9"}], "max_seconds": 30}, "call")
        data = site.heard()[7]["data"]
        assert (data["deviceToken"], data["callMaxSeconds"], [each["userId"] for each in data["calleds"]]) == ("d1", 30, ["u9"])

    @pytest.mark.parametrize(("error", "result"), [("no_such_flat", 104), ("no_answer", 105)])
    def test_refused(self, error: str, result: int) -> None:
        site = Questioner(defaults=Defaults(flats={"304": FLAT}))
        site.ring()
        site.answer({"error": error}, "call")
        assert (site.heard()[7]["result"]) == result

    def test_a_flat_that_nobody_knows(self) -> None:
        site = Questioner(defaults=Defaults(flats={"304": FLAT}))
        site.ring("305")
        site.wait(3.0)
        assert site.heard()[7]["result"] == 104

    def test_a_result_of_a_call_asks_nothing(self) -> None:
        site = Questioner()
        site.say("device_call_result", {"callNo": "304", "callRequestId": "c1", "callRecords": [{"callResult": 3}]})
        assert (site.event()["event_type"], site.event()["call_id"], site.heard()[7]["result"]) == ("answered", "c1", 0)
        assert "answer_topic" not in site.event()


class TestRecognitions:
    def test_the_door_and_the_screen(self) -> None:
        site = Questioner(AnswerRules(asking=ASK_ALL))
        site.say("snapshot_face", FACE)
        assert site.event()["answer_topic"] == "qyzn/HG1/answer/recognition"
        site.answer({"open": True, "display": "余额不足余额不足"}, "recognition")
        assert site.heard()[7]["data"] == {"snaptime": FACE["snaptime"], "opendoor": 1, "screenDisp": "余额不足余额"}

    def test_what_is_left_out_is_left_to_the_terminal(self) -> None:
        site = Questioner(AnswerRules(asking=ASK_ALL))
        site.say("snapshot_face", FACE)
        site.answer({}, "recognition")
        assert site.heard()[7]["data"] == {"snaptime": FACE["snaptime"]}

    def test_nobody(self) -> None:
        site = Questioner(AnswerRules(asking=ASK_ALL), Defaults(qrcode_open=True))
        site.say("snapshot_face", FACE)
        site.wait(3.0)
        assert site.heard()[7]["data"] == {"snaptime": FACE["snaptime"]}


class TestPersons:
    def test_other_ids(self) -> None:
        site = Questioner(AnswerRules(asking=ASK_ALL))
        site.say("device_sync_person", PERSON)
        site.answer({"person_id": "p9", "faces": {"f2": "f9"}}, "person")
        data = site.heard()[7]["data"]
        assert (data["oriPersonId"], data["newPersonId"]) == ("p1", "p9")
        assert data["faces"] == [{"oriFaceId": "f1", "newFaceId": "f1"}, {"oriFaceId": "f2", "newFaceId": "f9"}]

    @pytest.mark.parametrize("rules", [AnswerRules(), AnswerRules(asking=ASK_ALL)], ids=["keep", "ask"])
    def test_kept_unless_somebody_changes_them(self, rules: AnswerRules) -> None:
        site = Questioner(rules)
        site.say("device_sync_person", PERSON)
        site.wait(0.0 if "answer_topic" not in site.event() else 3.0)
        data = site.heard()[7]["data"]
        assert (data["newPersonId"], [face["newFaceId"] for face in data["faces"]]) == ("p1", ["f1", "f2"])


@given(json_values, st.sampled_from(["qrcode", "call", "recognition", "person"]))
def test_whatever_is_said_nothing_breaks_and_the_terminal_is_answered_once(said: Any, kind: str) -> None:
    site = Questioner(AnswerRules(asking=ASK_ALL))
    asks = {"qrcode": ("qrcode_data", {}), "call": ("device_call_param", {}), "recognition": ("snapshot_face", FACE)}
    site.say(*asks.get(kind, ("device_sync_person", PERSON)))
    with logged() as events:
        site.answer(said, kind)
        site.wait(3.0)
    assert (events, list(site.heard())) == ([], [7])


@given(st.binary(max_size=64))
def test_whatever_bytes_come(payload: bytes) -> None:
    site = asked()
    with logged() as events:
        site.answers.message(AnswerTopic("HG1", "qrcode"), Message("qyzn/HG1/answer/qrcode", payload, correlation_data=payload))
    assert events == []
