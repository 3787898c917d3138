"""What never happens, whatever comes in whatever order."""

from __future__ import annotations

import json
from collections.abc import Callable
from math import inf
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bridge.catalogue import REPORTS, Result
from bridge.session.happenings import Concluded, Faulted, Received
from bridge.wire import Frame, MessageType, encode_frame
from tests.session.conversation import FACE, LOGIN, REGISTER, Conversation
from tests.values import json_values

NOTIFICATION, REQUEST, RESPONSE, HEARTBEAT = MessageType.NOTIFICATION, MessageType.REQUEST, MessageType.RESPONSE, MessageType.HEARTBEAT


rubbish = st.dictionaries(
    st.sampled_from(
        sorted({name for report in REPORTS.values() for name in report.example} | {"x", "bodyTemp", "comparePic", "waitSeconds"})
    ),
    json_values,
    max_size=5,
)
frames = st.builds(
    Frame,
    version=st.integers(0, 255),
    message_type=st.sampled_from([HEARTBEAT, NOTIFICATION, REQUEST, RESPONSE, 0, 77]),
    data_type=st.sampled_from([1, 1, 1, 0]),
    timestamp=st.integers(0, 0xFFFFFFFF),
    sequence=st.sampled_from([0, 1, 2, 0xFFFFFFFF, *range(101, 110)]),
    body=st.one_of(
        st.binary(max_size=20),
        st.builds(
            lambda envelope, name, data: json.dumps({**envelope, "message": name, "data": data}).encode(),
            st.dictionaries(st.sampled_from(["result", "desc", "message", "data"]), json_values, max_size=2),
            st.sampled_from([*REPORTS, "unheard_of", ""]),
            rubbish | json_values,
        ),
        st.builds(
            lambda result, data: json.dumps({"result": result, "data": data}).encode(),
            st.sampled_from([0, 0, 109, 109, 104, -1, None]),
            rubbish | st.none(),
        ),
        st.sampled_from(
            [
                json.dumps({"message": name, "data": data}).encode()
                for name, data in (("login", LOGIN), ("register", REGISTER), ("snapshot_face", FACE))
            ]
        ),
    ),
)


@given(st.lists(frames, max_size=6), st.booleans())
def test_whatever_comes_it_does_not_raise(said: list[Frame], known: bool) -> None:
    talk = Conversation()
    if known:
        talk.identify()
        talk.request()
    for frame in said:
        talk.session.receive(frame, talk.now)
        for output in talk.session.take_output():
            assert encode_frame(MessageType.HEARTBEAT, 0, 0)[:4] == output[:4]
        for happening in talk.happened():
            if isinstance(happening, Faulted):
                assert happening.reason.isascii()
                assert len(happening.reason) < 200


class Ledger:
    """A talkative bridge: what it asked for and was told, held against each other after each step."""

    def __init__(self) -> None:
        self.talk = Conversation().identify()
        self.tokens: list[int] = []
        self.concluded: list[int] = []
        self.reports: list[Received] = []

    def look(self) -> None:
        happened = self.talk.happened()
        self.concluded += [each.token for each in happened if isinstance(each, Concluded)]
        self.reports += [each for each in happened if isinstance(each, Received)]
        self.talk.session.take_output()
        assert not self.talk.session.take_output()
        assert not self.talk.happened()
        assert set(self.concluded) <= set(self.tokens)
        assert len(self.concluded) == len(set(self.concluded))
        assert len(self.tokens) - len(self.concluded) == len(self.talk.session.requests)

    def tick(self) -> None:
        self.talk.at(self.talk.now)
        assert self.talk.session.deadline() > self.talk.now, "time does not stand still"
        self.look()

    def settle(self) -> None:
        """Let time pass until nothing waits."""
        for _ in range(2000):
            if not len(self.talk.session.requests):
                break
            self.talk.session.resume(self.talk.now)
            self.talk.until_deadline()
            self.look()


Step = Callable[[Ledger], object]


def request_step(options: dict[str, Any]) -> Step:
    return lambda ledger: ledger.tokens.append(ledger.talk.request(**options))


def wait_step(seconds: float) -> Step:
    return lambda ledger: ledger.talk.wait(seconds)


def frame_step(frame: Frame) -> Step:
    return lambda ledger: ledger.talk.session.receive(frame, ledger.talk.now)


def reply_step(result: int) -> Step:
    return lambda ledger: ledger.talk.reply(100 + len(ledger.tokens), result, {"waitSeconds": 1})


def pause(ledger: Ledger) -> None:
    ledger.talk.session.is_paused = True


def wait_for_the_deadline(ledger: Ledger) -> None:
    if ledger.talk.session.deadline() < inf:
        ledger.talk.until_deadline()


def answer_the_last(ledger: Ledger) -> None:
    if ledger.reports:
        ledger.talk.session.answer(ledger.reports.pop(), Result.SUCCESS)


def forget_the_last(ledger: Ledger) -> None:
    if ledger.reports:
        ledger.talk.session.forget(ledger.reports.pop())


def end(ledger: Ledger) -> None:
    ledger.talk.session.end("gone", ledger.talk.now)


def resume(ledger: Ledger) -> None:
    ledger.talk.session.resume(ledger.talk.now)


requests = st.fixed_dictionaries(
    {"timeout_s": st.sampled_from([0.0, 5.0, 20.0, 80.0, 110.0])},
    optional={"answer_wait_s": st.sampled_from([5.0, 30.0]), "resend": st.booleans(), "expires_at": st.floats(990, 1200)},
)
steps = st.lists(
    st.one_of(
        frames.map(frame_step),
        requests.map(request_step),
        st.floats(0, 45).map(wait_step),
        st.sampled_from([0, 104, 109, 109]).map(reply_step),
        st.sampled_from([pause, resume, wait_for_the_deadline, answer_the_last, forget_the_last, end]),
    ),
    max_size=30,
)


@given(steps, st.sampled_from([end, Ledger.settle]))
def test_each_request_ends_exactly_once_whatever_happens(taken: list[Step], last: Step) -> None:
    ledger = Ledger()
    for step in taken:
        step(ledger)
        ledger.look()
        ledger.tick()
    last(ledger)
    ledger.look()
    assert sorted(ledger.concluded) == sorted(ledger.tokens)
