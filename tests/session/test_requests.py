"""The bridge's requests: their sequence numbers, re-sends and ends, in the time of a test."""

from __future__ import annotations

from math import inf
from typing import Any

import pytest

from bridge.session.happenings import Answered, Concluded, Failed, Faulted
from bridge.session.inflight import BUSY_RETRIES, MOST_WAITING
from bridge.wire import MessageType
from tests.session.conversation import Conversation, Said, Site

T0 = 1000.0
TOP = (1 << 32) - 1


@pytest.fixture
def talk() -> Conversation:
    return Conversation(now=T0).identify()


def beat(talk: Conversation, now: float) -> list[Said]:
    """Tick at `now`, with a heartbeat just before, so that silence does not end the session. Returns the requests sent."""
    talk.now = now
    talk.say_body(b"", type=MessageType.HEARTBEAT, sequence=0)
    return [said for said in talk.at(now) if said.type == MessageType.REQUEST]


def sequences(said: list[Said]) -> list[int]:
    return [each.sequence for each in said]


# Sequence numbers.


@pytest.mark.parametrize(
    ("first", "expected"),
    [(100, [101, 102, 103]), (0, [1, 2, 3]), (TOP - 1, [TOP, 1, 2]), (TOP, [1, 2, 3]), (TOP - 2, [TOP - 1, TOP, 1])],
)
def test_sequences_go_up_by_one_and_wrap_past_zero(first: int, expected: list[int]) -> None:
    talk = Conversation(first_sequence=first).identify()
    for _ in expected:
        talk.request()
    assert sequences(talk.heard()) == expected


def test_answers_find_their_requests_across_the_wrap() -> None:
    talk = Conversation(first_sequence=TOP - 1).identify()
    tokens = [talk.request() for _ in range(3)]
    for sequence in (1, TOP, 2):
        talk.reply(sequence, data={"s": sequence})
    concluded = talk.happened()
    assert [(each.token, each.outcome.data["s"]) for each in concluded if isinstance(each, Concluded)] == [  # type: ignore[union-attr]
        (tokens[1], 1),
        (tokens[0], TOP),
        (tokens[2], 2),
    ]


def test_what_goes_out(talk: Conversation) -> None:
    talk.request(body=b'{"message":"open_door","data":{}}', version=5)
    (said,) = talk.heard()
    assert said == Said(MessageType.REQUEST, 101, 5, int(talk.site.wall), {"message": "open_door", "data": {}})


# Answers.


def test_an_answer(talk: Conversation) -> None:
    token = talk.request()
    talk.now += 2.5
    talk.reply(101, "0", '[{"groupKey":"version"}]', "操作成功")
    assert talk.happened() == [Concluded(token, Answered(101, 1, 2.5, 0, "操作成功", [{"groupKey": "version"}]))]
    assert len(talk.session.requests) == 0


@pytest.mark.parametrize("result", [-1, 101, 104, 200, 999])
def test_an_error_is_an_answer(talk: Conversation, result: int) -> None:
    talk.request()
    talk.reply(101, result)
    assert talk.outcome() == Answered(101, 1, 0.0, result, "", {})


def test_answers_in_any_order(talk: Conversation) -> None:
    tokens = {100 + number: talk.request() for number in range(1, 5)}
    for sequence in (103, 101, 104, 102):
        talk.reply(sequence)
        concluded = talk.one(Concluded)
        assert (concluded.token, concluded.outcome.sequence) == (tokens[sequence], sequence)


def test_a_bogus_answer(talk: Conversation) -> None:
    talk.request()
    talk.reply(999)
    assert talk.one(Faulted).reason == "an answer to no request"
    assert len(talk.session.requests) == 1


def test_an_answer_too_late(talk: Conversation) -> None:
    talk.request(timeout_s=5)
    talk.wait(5)
    assert talk.outcome() == Failed(101, 1, 5.0, "timeout")
    talk.reply(101)
    assert talk.one(Faulted).reason == "an answer that came too late"


def test_a_second_answer_to_what_was_sent_once_is_a_fault(talk: Conversation) -> None:
    talk.request()
    talk.reply(101)
    assert talk.outcome().result == 0
    talk.reply(101)
    assert talk.one(Faulted).reason == "an answer that came too late"


def test_a_second_answer_to_what_was_sent_twice_is_as_it_should_be(talk: Conversation) -> None:
    """The terminal answers each copy, as the bridge does."""
    talk.request()
    beat(talk, T0 + 20)
    talk.reply(101)
    assert talk.outcome().attempts == 2
    talk.reply(101)
    assert talk.happened() == []


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'{"result":[]}', b'{"result":1.5}', b'{"desc":"none"}', b'{"result":null}'])
def test_an_unreadable_answer_is_a_fault_and_the_request_goes_on(talk: Conversation, body: bytes) -> None:
    talk.request()
    talk.heard()
    assert talk.say_body(body, sequence=101, type=MessageType.RESPONSE) == []
    talk.one(Faulted)
    assert sequences(beat(talk, T0 + 20)) == [101]


# No answer.


def test_resends_at_20_40_60_and_the_end_at_80(talk: Conversation) -> None:
    talk.request(body=b'{"message":"m"}')
    first = talk.heard()
    sent = {}
    for seconds in range(1, 81):
        for said in beat(talk, T0 + seconds):
            sent[seconds] = said
    assert list(sent) == [20, 40, 60]
    assert set(map(str, sent.values())) == set(map(str, first))
    assert talk.outcome() == Failed(101, 4, 80.0, "timeout")
    assert len(talk.session.requests) == 0


def test_the_deadline_is_where_the_session_wants_to_be_called(talk: Conversation) -> None:
    talk.request()
    talk.heard()
    times = []
    while len(talk.session.requests):
        talk.say_body(b"", type=MessageType.HEARTBEAT, sequence=0)
        talk.until_deadline()
        times.append(talk.now - T0)
    assert times == [20, 40, 60, 80]


def test_a_resend_carries_the_time_of_its_sending(talk: Conversation) -> None:
    talk.request()
    talk.heard()
    talk.site.wall += 20
    assert [said.timestamp for said in beat(talk, T0 + 20)] == [int(talk.site.wall)]


def test_the_first_wait_is_longer_by_what_the_terminal_was_granted(talk: Conversation) -> None:
    talk.request(timeout_s=110.0, answer_wait_s=30.0)
    talk.heard()
    sent = [seconds for seconds in range(1, 111) if beat(talk, T0 + seconds)]
    assert sent == [50, 70, 90]
    assert talk.outcome() == Failed(101, 4, 110.0, "timeout")


def test_a_shorter_timeout_wins(talk: Conversation) -> None:
    talk.request(timeout_s=30.0)
    talk.heard()
    assert [seconds for seconds in range(1, 31) if beat(talk, T0 + seconds)] == [20]
    assert talk.outcome() == Failed(101, 2, 30.0, "timeout")


def test_a_longer_timeout_means_no_more_resends(talk: Conversation) -> None:
    talk.request(timeout_s=200.0)
    talk.heard()
    assert [seconds for seconds in range(1, 201) if beat(talk, T0 + seconds)] == [20, 40, 60]
    assert talk.outcome() == Failed(101, 4, 200.0, "timeout")


def test_a_door_is_asked_once(talk: Conversation) -> None:
    talk.request(timeout_s=20.0, resend=False, expires_at=T0 + 10)
    talk.heard()
    assert [seconds for seconds in range(1, 20) if beat(talk, T0 + seconds)] == []
    assert talk.happened() == []
    assert beat(talk, T0 + 20) == []
    assert talk.outcome() == Failed(101, 1, 20.0, "timeout")


def test_a_late_tick_sends_once_and_does_not_catch_up(talk: Conversation) -> None:
    talk.request()
    talk.heard()
    assert sequences(beat(talk, T0 + 70)) == [101]
    assert beat(talk, T0 + 79) == []
    beat(talk, T0 + 80)
    assert talk.outcome() == Failed(101, 2, 80.0, "timeout")


# Expiry.


def test_what_has_expired_is_never_sent(talk: Conversation) -> None:
    token = talk.request(expires_at=T0)
    assert talk.heard() == []
    assert talk.happened() == [Concluded(token, Failed(0, 0, 0.0, "expired"))]


def test_what_expires_meanwhile_is_not_sent_again(talk: Conversation) -> None:
    talk.request(expires_at=T0 + 30)
    talk.heard()
    assert sequences(beat(talk, T0 + 20)) == [101]
    assert beat(talk, T0 + 40) == []
    assert talk.outcome() == Failed(101, 2, 40.0, "expired")


def test_an_answer_after_the_expiry_still_counts(talk: Conversation) -> None:
    """It was sent in time, and was done."""
    talk.request(expires_at=T0 + 5)
    talk.now = T0 + 15
    talk.reply(101)
    assert isinstance(talk.outcome(), Answered)


# Busy.


@pytest.mark.parametrize(
    ("data", "wait"),
    [
        ({"waitSeconds": 7}, 7.0),
        ({"waitSeconds": "7"}, 7.0),
        ({"waitSeconds": 2.5}, 2.5),
        (None, 3.0),
        ({}, 3.0),
        ([], 3.0),
        ({"waitSeconds": None}, 3.0),
        ({"waitSeconds": "soon"}, 3.0),
        ({"waitSeconds": [1]}, 3.0),
        ({"waitSeconds": "nan"}, 3.0),
        ({"waitSeconds": "inf"}, 3.0),
        ({"waitSeconds": True}, 3.0),
        ({"waitSeconds": 10**400}, 3.0),
        ({"waitSeconds": 0}, 0.1),
        ({"waitSeconds": -5}, 0.1),
    ],
)
def test_a_busy_terminal_is_asked_again_after_the_wait_it_names(talk: Conversation, data: Any, wait: float) -> None:
    talk.request()
    talk.heard()
    talk.reply(101, 109, data)
    assert talk.happened() == []
    assert talk.session.deadline() == pytest.approx(T0 + wait)
    assert talk.at(T0 + wait - 0.05) == []
    assert sequences(talk.at(T0 + wait)) == [102], "it did nothing, so it is asked anew"
    talk.reply(102)
    outcome = talk.outcome()
    assert (outcome.attempts, outcome.result) == (2, 0)
    assert outcome.elapsed_s == pytest.approx(wait)


def test_busy_once_too_often(talk: Conversation) -> None:
    talk.request()
    talk.heard()
    for retry in range(BUSY_RETRIES):
        talk.reply(101 + retry, 109, {"waitSeconds": 1})
        assert sequences(talk.wait(1)) == [102 + retry]
    talk.reply(101 + BUSY_RETRIES, 109, {"waitSeconds": 1})
    assert talk.outcome() == Failed(101 + BUSY_RETRIES, BUSY_RETRIES + 1, 3.0, "busy")


def test_a_busy_door_is_asked_again_too(talk: Conversation) -> None:
    talk.request(timeout_s=20.0, resend=False, expires_at=T0 + 10)
    talk.heard()
    talk.reply(101, 109, {"waitSeconds": 2})
    assert sequences(talk.wait(2)) == [102]
    talk.wait(17)
    assert talk.happened() == []
    talk.wait(1)
    assert talk.outcome() == Failed(102, 2, 20.0, "timeout")


@pytest.mark.parametrize("options", [{"timeout_s": 5.0}, {"expires_at": T0 + 5}])
def test_a_wait_beyond_the_end_is_busy_at_once(talk: Conversation, options: dict[str, Any]) -> None:
    talk.request(**options)
    talk.reply(101, 109, {"waitSeconds": 5})
    assert talk.outcome() == Failed(101, 1, 0.0, "busy")


def test_a_tick_too_late_for_the_retry_is_busy(talk: Conversation) -> None:
    talk.request(expires_at=T0 + 10)
    talk.heard()
    talk.reply(101, 109, {"waitSeconds": 5})
    assert beat(talk, T0 + 11) == []
    assert talk.outcome() == Failed(101, 1, 11.0, "busy")


def test_the_first_wait_of_a_retry_is_longer_again(talk: Conversation) -> None:
    talk.request(timeout_s=110, answer_wait_s=30)
    talk.reply(101, 109, {"waitSeconds": 5})
    beat(talk, T0 + 5)
    assert [seconds for seconds in range(6, 60) if beat(talk, T0 + seconds)] == [55]


def test_the_answer_before_a_retry_counts_when_a_copy_was_done(talk: Conversation) -> None:
    """Sent twice; the first copy met a busy terminal, the second did not. Asking again would do it twice."""
    talk.request()
    beat(talk, T0 + 20)
    talk.reply(101, 109, {"waitSeconds": 5})
    talk.reply(101, 0)
    assert talk.outcome() == Answered(101, 2, 20.0, 0, "", {})
    assert beat(talk, T0 + 25) == []


def test_busy_said_of_each_copy_is_busy_once(talk: Conversation) -> None:
    talk.request()
    beat(talk, T0 + 20)
    talk.reply(101, 109, {"waitSeconds": 5})
    talk.reply(101, 109, {"waitSeconds": 50})
    assert talk.happened() == []
    assert sequences(beat(talk, T0 + 25)) == [102]
    talk.reply(101, 109)
    assert talk.happened() == [], "the last copy's answer may come after the retry"
    assert len(talk.session.requests) == 1


def test_busy_said_twice_of_one_copy_is_a_fault(talk: Conversation) -> None:
    talk.request()
    talk.heard()
    talk.reply(101, 109, {"waitSeconds": 5})
    talk.reply(101, 109, {"waitSeconds": 50})
    assert talk.one(Faulted).reason == "a second answer to one request"
    assert sequences(beat(talk, T0 + 5)) == [102]


def test_an_answer_to_the_first_try_after_the_retry_is_late(talk: Conversation) -> None:
    talk.request()
    talk.reply(101, 109, {"waitSeconds": 1})
    talk.wait(1)
    talk.reply(101)
    assert talk.one(Faulted).reason == "an answer that came too late"
    talk.reply(102)
    assert talk.outcome().sequence == 102


# Too many, and the end.


def test_one_more_than_may_wait_is_busy(talk: Conversation) -> None:
    for _ in range(MOST_WAITING):
        talk.request()
    assert talk.happened() == []
    assert len(talk.heard()) == MOST_WAITING
    token = talk.request()
    assert talk.heard() == []
    assert talk.happened() == [Concluded(token, Failed(0, 0, 0.0, "busy"))]
    talk.reply(101)
    talk.happened()
    talk.request()
    assert talk.happened() == []


def test_the_end_supersedes_all(talk: Conversation) -> None:
    tokens = [talk.request() for _ in range(3)]
    talk.reply(102, 109, {"waitSeconds": 5})
    talk.heard()
    talk.now += 2
    talk.session.end("gone", talk.now)
    concluded = [each for each in talk.happened() if isinstance(each, Concluded)]
    assert sorted(each.token for each in concluded) == tokens
    assert {each.outcome.code for each in concluded if isinstance(each.outcome, Failed)} == {"superseded"}
    assert talk.session.requests.next_due_at() == inf
    assert talk.wait(100) == []
    assert talk.happened() == []


def test_a_request_after_the_end_is_superseded_too(talk: Conversation) -> None:
    talk.session.end("gone", talk.now)
    talk.happened()
    token = talk.request()
    assert talk.heard() == []
    assert talk.happened() == [Concluded(token, Failed(0, 0, 0.0, "superseded"))]


def test_a_timeout_leaves_the_connection(talk: Conversation) -> None:
    talk.request(timeout_s=5)
    talk.wait(5)
    talk.outcome()
    talk.request()
    assert sequences(talk.heard()) == [102]


def test_time_spent_paused_is_not_silence_but_requests_end_all_the_same() -> None:
    talk = Conversation(Site(), now=T0).identify()
    talk.request()
    talk.heard()
    talk.session.is_paused = True
    assert [seconds for seconds in range(1, 81) if talk.at(T0 + seconds)] == [20, 40, 60]
    assert talk.outcome().code == "timeout"
    assert talk.session.deadline() == inf


def test_a_retry_starts_counting_its_copies_anew(talk: Conversation) -> None:
    talk.request()
    beat(talk, T0 + 20)
    talk.reply(101, 109, {"waitSeconds": 1})
    beat(talk, T0 + 21)
    talk.reply(102)
    talk.outcome()
    talk.reply(102)
    assert talk.one(Faulted).reason == "an answer that came too late"
