"""What a terminal does about its set-up: configuration groups, pass rule, who opens the door (protocol sections 4.5.7, 4.5.9 and 4.5.10)."""

from __future__ import annotations

from typing import Any

import msgspec

from ..catalogue import Result
from ..catalogue.configuration import ConfigSystem, GetConfigs
from ..catalogue.door import OnlineOpenDoor
from ..catalogue.pass_rule import ConfigDevicePassRule
from .acting import Act, Answer, Asked


def _get_configs(asked: Asked) -> Answer:
    """The groups it has, each with its groupKey; asked for none of them, it does not know the object."""
    data: GetConfigs = asked.data
    names = [name.strip() for name in data.group_key]
    found = [{"groupKey": name, **values} for name in names if (values := asked.terminal.config(name)) is not None]
    if not found:
        return asked.told(Result.NO_SUCH_OBJECT)
    return asked.told(data=found, beside={"RspMsg": f"get_{names[0]}"})


def _config_system(asked: Asked) -> Answer:
    """What is set is read back. With a group that it does not have, nothing is set."""
    groups: dict[str, dict[str, Any]] = msgspec.to_builtins(asked.data)
    if any(asked.terminal.config(name) is None for name in groups):
        return asked.told(Result.NO_SUCH_OBJECT)
    for name, values in groups.items():
        asked.terminal.set_config(name, values)
    asked.terminal.keep_settings()
    return asked.told(beside={"RspMsg": f"set_{next(iter(groups))}"})


def _pass_rule(asked: Asked) -> Answer:
    asked.terminal.settings.pass_rule = msgspec.to_builtins(asked.data)
    asked.terminal.keep_settings()
    return asked.told()


def _online_open_door(asked: Asked) -> Answer:
    data: OnlineOpenDoor = asked.data
    settings = asked.terminal.settings
    settings.remote_online, settings.remote_mode = data.online, data.mode
    asked.terminal.keep_settings()
    return asked.told()


ACTS: dict[str, Act] = {
    GetConfigs.declaration.name: _get_configs,
    ConfigSystem.declaration.name: _config_system,
    ConfigDevicePassRule.declaration.name: _pass_rule,
    OnlineOpenDoor.declaration.name: _online_open_door,
}
