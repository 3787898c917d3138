"""What the values are made of that each event makes, in a tenth of the time of a dataclass. mypyc leaves out what a class says beside its bases, and
what msgspec would make of annotations: so this is not compiled, and what is derived from these may be, where nothing is read from JSON into it."""

from __future__ import annotations

from msgspec import Struct


class Value(Struct, frozen=True, gc=False):
    """Is what it holds, and never changes. The collector does not look at it: it can be in no cycle."""


class Holding(Struct, frozen=True):
    """The same, where what it holds may know of it."""


class Entity(Struct, eq=False):
    """Is itself alone, whatever it holds, and may change."""
