"""Configuration groups as they may be shown."""

from __future__ import annotations

import pytest

from bridge.catalogue import COMMANDS
from bridge.catalogue.configuration import MASK, masked


@pytest.mark.parametrize("spelling", ["appSecret", "appsecret"])
def test_secrets_are_masked_in_both_spellings(spelling: str) -> None:
    group = {"groupKey": "HttpPush", "appid": "1", spelling: "secret"}
    shown = {"groupKey": "HttpPush", "appid": "1", spelling: MASK}
    assert masked(group) == shown
    get_configs = COMMANDS["get_configs"]
    assert get_configs.check(get_configs.example).shown_answer([group, "odd"]) == [shown, "odd"]
    assert group[spelling] == "secret"
