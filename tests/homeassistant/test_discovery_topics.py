"""The topics below the discovery prefix."""

from __future__ import annotations

import pytest

from bridge.homeassistant import DiscoveryTopics

TOPICS = DiscoveryTopics("home/ha")


def test_the_topics() -> None:
    assert TOPICS.status == "home/ha/status"
    assert TOPICS.device("qyzn_1") == "home/ha/device/qyzn_1/config"


@pytest.mark.parametrize(
    ("topic", "discovery_id"),
    [
        ("home/ha/device/qyzn_1/config", "qyzn_1"),
        ("device/qyzn_1/config", None),
        ("home/ha/device/a/b/config", None),
        ("home/ha/sensor/qyzn_1/config", None),
        ("home/ha/device/qyzn_1/state", None),
        ("qyzn/1/config", None),
    ],
)
def test_a_devices_topic_is_known(topic: str, discovery_id: str | None) -> None:
    assert TOPICS.device_of(topic) == discovery_id


def test_what_it_listens_to_it_can_do_without() -> None:
    status, before = TOPICS.subscriptions()
    assert not status.needed
    assert not before.needed
    assert (status.topic_filter, status.retain_handling) == ("home/ha/status", 2)
    assert (before.topic_filter, before.retain_handling, before.retain_as_published) == ("home/ha/device/+/config", 0, False)
