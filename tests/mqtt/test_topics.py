from __future__ import annotations

from inspect import isfunction, signature

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.config.shapes import RESERVED_IDS
from bridge.mqtt.message import Subscription
from bridge.mqtt.topics import ALL, BROKER_VERSION, WORDS, AnswerTopic, CommandTopic, InfoTopic, MemoryTopic, RequestTopic, Topics

ALONE = Topics("qyzn")
NORTH = Topics("qyzn", "north")
DEEP = Topics("site/doors", "north")

devices = st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True).filter(lambda serial: serial not in RESERVED_IDS)
names = st.from_regex(r"[A-Za-z0-9_]{1,32}", fullmatch=True)
topics = st.sampled_from([ALONE, NORTH, DEEP])


@pytest.mark.parametrize(("of", "bridge"), [(ALONE, "qyzn/bridge"), (NORTH, "qyzn/bridge/north"), (DEEP, "site/doors/bridge/north")])
def test_the_bridge_speaks_of_itself_where_the_contract_says(of: Topics, bridge: str) -> None:
    assert of.bridge == bridge
    assert [of.state, of.info, of.devices, of.health, of.checkpoint, of.bridge_event] == [
        f"{bridge}/state",
        f"{bridge}/info",
        f"{bridge}/devices",
        f"{bridge}/health",
        f"{bridge}/checkpoint",
        f"{bridge}/event",
    ]
    assert of.bridge_response("device/approve") == f"{bridge}/response/device/approve"


@pytest.mark.parametrize(("of", "base"), [(ALONE, "qyzn"), (NORTH, "qyzn"), (DEEP, "site/doors")])
def test_terminals_have_the_same_topics_whichever_bridge_they_are_at(of: Topics, base: str) -> None:
    assert of.availability("SN1") == f"{base}/SN1/availability"
    assert of.device_info("SN1") == f"{base}/SN1/info"
    assert of.event("SN1", "recognition") == f"{base}/SN1/event/recognition"
    assert of.event("SN1", "recognition", replay=True) == f"{base}/SN1/event_replay/recognition"
    assert of.image("SN1", "snapshot") == f"{base}/SN1/image/snapshot"
    assert of.response("SN1", "open_door") == f"{base}/SN1/response/open_door"


@pytest.mark.parametrize("of", [ALONE, NORTH])
def test_commands_and_the_bridges_own_requests_are_subscribed(of: Topics) -> None:
    by_filter = {each.topic_filter: each for each in of.subscriptions()}
    for topic_filter in ("qyzn/+/command/#", "qyzn/+/answer/+", f"{of.bridge}/request/#"):
        # Rule 1 against stale commands, and QoS 1.
        assert by_filter[topic_filter] == Subscription(topic_filter, qos=1, retain_as_published=True, retain_handling=2)


@pytest.mark.parametrize("of", [ALONE, NORTH, DEEP])
def test_what_the_broker_remembers_is_wanted_as_it_is_retained(of: Topics) -> None:
    for wanted in of.memory_subscriptions():
        assert of.read(wanted.topic_filter) == MemoryTopic()
        assert (wanted.retain_handling, wanted.qos, wanted.needed) == (0, 0, False)
    assert [each.topic_filter for each in of.memory_subscriptions()] == [of.checkpoint, BROKER_VERSION]


@given(topics, devices, names)
def test_a_command_topic_is_read_back(of: Topics, device: str, command: str) -> None:
    assert of.read(f"{of.base}/{device}/command/{command}") == CommandTopic(device, command)


@given(topics, devices, names)
def test_an_answer_topic_is_read_back(of: Topics, device: str, kind: str) -> None:
    assert of.read(of.answer(device, kind)) == AnswerTopic(device, kind)


@given(topics, names, names)
def test_a_request_topic_is_read_back(of: Topics, first: str, second: str) -> None:
    assert of.read(f"{of.bridge}/request/{first}") == RequestTopic(first)
    assert of.read(f"{of.bridge}/request/{first}/{second}") == RequestTopic(f"{first}/{second}")


@given(topics, devices, names)
def test_nothing_that_the_bridge_publishes_asks_it_for_anything(of: Topics, device: str, name: str) -> None:
    own = [of.state, of.info, of.devices, of.health, of.bridge_event, of.bridge_response(name), of.availability(device)]
    own += [of.event(device, name), of.event(device, name, replay=True), of.image(device, name), of.response(device, name)]
    assert [of.read(topic) for topic in own] == [None] * 11


def test_only_a_bridge_with_a_name_hears_whose_a_terminal_is() -> None:
    assert ALONE.read("qyzn/SN1/info") is None
    assert Topics("qyzn", "one").read("qyzn/SN1/info") == InfoTopic("SN1")
    assert Topics("qyzn", "one").read("qyzn/bridge/info") is None


@pytest.mark.parametrize(
    "topic",
    ["", "qyzn", "qyzn/bridge/request", "qyznx/SN1/command/open_door", "other/qyzn/SN1/command/open_door", "/qyzn"],
)
def test_what_is_not_ours_is_not_read(topic: str) -> None:
    assert ALONE.read(topic) is None


def test_a_request_to_another_instance_is_not_ours() -> None:
    assert NORTH.read("qyzn/bridge/south/request/health") is None
    assert NORTH.read("qyzn/bridge/request/health") is None


@pytest.mark.parametrize("of", [ALONE, NORTH, DEEP])
@pytest.mark.parametrize("topic", ["me/answers", "response", "a", "{base}x/SN1/command/open_door", "{base}/SN1/response/mine"])
def test_a_caller_may_be_answered_where_it_likes(of: Topics, topic: str) -> None:
    assert of.may_respond_on(topic.format(base=of.base))
    assert of.may_respond_on(of.bridge_response("me"))


@pytest.mark.parametrize("of", [ALONE, NORTH, DEEP])
@pytest.mark.parametrize(
    "topic",
    [
        "",
        "$SYS/broker",
        "$share/group/mine",
        "mine/+",
        "mine/#",
        "mi\0ne",
        "{base}",
        "{base}/",
        "{base}/SN1",
        "{base}/SN1/command/open_door",
        "{base}/SN1/command/response",  # a level that is merely called so
        "{base}/SN1/event/response",
        "{base}/SN1/event/recognition",
        "{base}/SN1/event/response/x",
        "{base}/SN1/image/response",
        "{base}/SN1/availability",
        "{base}/SN1/config/response/set",
        "{base}/all/command/open_door",
        "{bridge}/state",
        "{bridge}/request/permit_join",
        "{bridge}/request/response",
        "{bridge}/request/device/response",
        "{base}/bridge/other/state",
        "{base}/bridge/response",
    ],
)
def test_no_caller_can_have_the_bridge_speak_where_it_must_not_itself(of: Topics, topic: str) -> None:
    assert not of.may_respond_on(topic.format(base=of.base, bridge=of.bridge))


def test_a_bridge_whose_name_is_a_level_of_the_contract_is_as_safe() -> None:
    of = Topics("qyzn", "response")
    assert not of.may_respond_on(of.state)
    assert of.may_respond_on(of.bridge_response("me"))


@given(st.text(), topics)
def test_any_topic_can_be_read_and_judged(topic: str, of: Topics) -> None:
    of.read(topic)
    of.may_respond_on(topic)


def levels(of: Topics) -> set[str]:
    """The levels below the base topic of every topic and filter there is, without those that stand for something."""
    made = [getattr(of, name) for name, member in vars(Topics).items() if isinstance(member, property)]
    makers = [member for member in vars(Topics).values() if isfunction(member) and signature(member).return_annotation == "str"]
    made += [maker(of, *["*"] * (maker.__code__.co_argcount - 1)) for maker in makers if not maker.__name__.startswith("_")]
    made.append(of.event("*", "*", replay=True))
    made += [each.topic_filter for each in of.subscriptions()]
    return {level for each in made for level in each.removeprefix(f"{of.base}/").split("/")} - {"*", "+", "#", of.instance}


def test_the_words_of_the_topics_are_complete() -> None:
    assert levels(NORTH) | {ALL} == WORDS
