"""What the configuration lets Home Assistant have."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from bridge.config import Config
from bridge.homeassistant import Offer


@pytest.mark.parametrize(
    ("config", "offer"),
    [
        ({}, Offer()),
        ({"language": "zh"}, Offer(language="zh")),
        (
            {"homeassistant": {"doorbell": False, "lock": True, "tags": True, "body_temperature": True}},
            Offer(doorbell=False, lock=True, tags=True, body_temperature=True),
        ),
        (
            {"commands": {"deny": ["open_door"]}, "privacy": {"omit": ["image"]}},
            Offer(deny=frozenset({"open_door"}), omit=frozenset({"image"})),
        ),
        ({"images": {"publish": "both"}}, Offer(inline=True)),
        ({"images": {"publish": "inline"}}, Offer(pictures=False, inline=True)),
        ({"images": {"publish": "none"}}, Offer(pictures=False)),
        ({"registration": {"policy": "closed"}}, Offer(may_join=False)),
    ],
)
def test_it_follows_the_configuration(config: dict[str, Any], offer: Offer) -> None:
    assert Offer.of(msgspec.convert(config, Config)) == offer
