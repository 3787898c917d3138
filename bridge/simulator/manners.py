"""How simulated terminals behave towards the bridge, by option: slow, busy, mute, old, or spelling by the table."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cache

from ..catalogue import COMMANDS, Command

OLD_VERSION = 2
"""The header version of firmware before add_person_face, the pass rules and the intercom."""
_LATER_THAN_VERSION_SAYS = frozenset({"config_system", "get_configs", "reSend_record_set"})
"""They came with V3.4 and V3.6 of the protocol, but no later header version."""


@dataclass(frozen=True, slots=True)
class Manners:
    """`slow_s`: commands are answered only after that. `busy`: all are refused with 109; `busy_tries`: each command is, so often, and then done.
    `mute`: none is answered. `old`: the terminal knows what firmware of header version 2 knew. `table_spelling`: where the protocol's
    table and example spell a command differently, it knows the table's. `no_card`: nobody shows a card."""

    slow_s: float = 0.0
    busy: bool = False
    mute: bool = False
    busy_tries: int = 0
    old: bool = False
    table_spelling: bool = False
    no_card: bool = False

    def commands(self) -> dict[str, Command]:
        """The commands it knows, by the name it knows them by."""
        return _known(self.old, self.table_spelling)

    def is_busy(self, name: str, tries: Counter[str]) -> bool:
        """Whether this try of a command is refused; `tries` counts those that were."""
        if not self.busy_tries:
            return self.busy
        tries[name] = (tries[name] + 1) % (self.busy_tries + 1)
        return tries[name] != 0


@cache
def _known(old: bool, table_spelling: bool) -> dict[str, Command]:
    known = [each for each in COMMANDS.values() if not old or (each.version <= OLD_VERSION and each.name not in _LATER_THAN_VERSION_SAYS)]
    return {(each.other_name or each.name) if table_spelling else each.name: each for each in known}
