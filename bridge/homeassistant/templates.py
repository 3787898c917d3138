"""The templates that Home Assistant renders: values out of what the bridge publishes, and commands out of what a user does.

A value template must do without what a terminal did not say, and with an empty payload, which is what clears a topic: a template that
fails is an error in the user's log. "None" makes a number, a choice or a switch unknown. Home Assistant also logs an error for values
outside an entity's range, so those are made unknown here: limits hold for callers, not for terminals.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

COMMAND_TTL_S = 10
"""A button that was pressed longer ago does nothing any more."""
_SOURCE = "Home Assistant"
_NOW = "{{ now().isoformat() }}"
_LONG_AGO = "1970-01-01T00:00:00+00:00"


def field(name: str) -> str:
    """A field of a JSON object, whatever it is."""
    return f"{{{{ {_of(name)} }}}}"


def text(name: str, most: int) -> str:
    """A text of at most so many characters; a longer one is not shown."""
    return f"{{% set v = {_of(name)} %}}{{{{ v if v is string and v|length <= {most} else '' }}}}"


def number(name: str, low: float, high: float) -> str:
    """A number in a range."""
    return f"{{% set v = {_of(name)} %}}{{{{ v if v is number and {low} <= v <= {high} else none }}}}"


def choice(name: str, words: Mapping[int, str]) -> str:
    """One of several values, in words."""
    return f"{{{{ {_table({str(value): _quoted(text) for value, text in words.items()})}.get({_of(name)}) }}}}"


def switch(name: str) -> str:
    """True or false, as ON or OFF."""
    return f"{{{{ {{true:'ON',false:'OFF'}}.get({_of(name)}) }}}}"


def switch_within(first: str, second: str) -> str:
    """The same of a field of an object in an object."""
    return f"{{{{ {{true:'ON',false:'OFF'}}.get({_of_object(first)}.get('{second}')) }}}}"


def or_nothing(name: str) -> str:
    """A field, or nothing at all where it is null or missing."""
    return f"{{{{ {_of(name)} or '' }}}}"


def within(first: str, second: str) -> str:
    """A field of an object in an object."""
    return f"{{{{ {_of_object(first)}.get('{second}') }}}}"


def count_where(name: str, value: bool | str) -> str:
    """How many objects of a JSON array have this value."""
    shown = _quoted(value) if isinstance(value, str) else json.dumps(value)
    return f"{{{{ value_json|d([],1)|selectattr('{name}','eq',{shown})|list|count }}}}"


def without_base64() -> str:
    """An event without the pictures that are in it: Home Assistant does not record states of more than 16 kB."""
    return "{{ dict(value_json.items()|rejectattr(0,'search','_base64$'))|to_json }}"


def set_field(name: str) -> str:
    """A change of a group, to what was entered."""
    return f"{{{{ {{'{name}':value}}|to_json }}}}"


def set_choice(name: str, words: Mapping[int, str]) -> str:
    """A change of a group, to what was chosen."""
    table = _table({_quoted(text): str(value) for value, text in words.items()})
    return f"{{{{ {{'{name}':{table}[value]}}|to_json }}}}"


def set_switch(name: str, value: bool) -> str:
    """A change of a group, to on or off; no template."""
    return json.dumps({name: value})


def command(data: Mapping[str, Any] | None = None) -> str:
    """A command that is dead when it comes too late, and is done once if it comes twice."""
    fields = {"data": data or {}, "issued_at": _NOW, "ttl": COMMAND_TTL_S, "transaction": f"home-assistant {_NOW}", "source": _SOURCE}
    return json.dumps(fields)


def unlock() -> str:
    """The command that opens the door, for UNLOCK. There is none that locks it: for anything else the command is one that has long expired."""
    locked = json.dumps({"issued_at": _LONG_AGO, "ttl": 1, "source": _SOURCE})
    return f'{{% if value == "UNLOCK" %}}{command()}{{% else %}}{locked}{{% endif %}}'


def _of(name: str) -> str:
    return f"(value_json|d({{}},1)).get('{name}')"


def _of_object(name: str) -> str:
    return f"({_of(name)} or {{}})"


def _quoted(words: str) -> str:
    return "'" + words.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _table(entries: Mapping[str, str]) -> str:
    return "{" + ",".join(f"{key}:{value}" for key, value in entries.items()) + "}"
