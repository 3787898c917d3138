"""How a terminal is set up: its configuration groups, its pass rule, who opens the door. It survives a restart."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import Any

import msgspec

from .configs import factory_settings
from .hours import admits
from .identity import Identity
from .shelf import Shelf

_KEY = "settings"
Values = dict[str, Any]


class Settings(msgspec.Struct):
    """What can be set; `configs` are values by group. Changes are kept by `keep`."""

    configs: dict[str, Values]
    pass_rule: Values | None = None
    remote_online: int = 0
    remote_mode: int = 0

    @classmethod
    def of(cls, identity: Identity, shelf: Shelf) -> Settings:
        """As it was kept, or else as it leaves the factory."""
        settings = cls({})
        for _, kept in shelf.load(_KEY):
            with suppress(msgspec.ValidationError):
                settings = msgspec.convert(kept, cls)
        settings.configs = {name: values | settings.configs.get(name, {}) for name, values in factory_settings(identity).items()}
        return settings

    def keep(self, shelf: Shelf) -> None:
        """Raises OSError."""
        shelf.put(_KEY, self)

    @property
    def firmware(self) -> str:
        """The version that it logs in with."""
        return str(self.configs["version"]["appVer"])

    @property
    def sends_pictures(self) -> bool:
        """Whether recognitions have their picture."""
        return bool(self.configs["VerifyRetRspSet"]["SnapshotPic"])

    @property
    def opens_itself(self) -> bool:
        """Whether the terminal opens for those it recognises (section 4.5.7)."""
        return self.remote_mode == 0 or (self.remote_mode == 1 and not self.remote_online)

    def admits(self, shows: datetime) -> bool:
        """Whether the terminal's own rule lets anybody pass when its clock `shows` this."""
        return self.pass_rule is None or admits(self.pass_rule, shows)
