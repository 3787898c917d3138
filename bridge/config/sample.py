"""Writes the sample configuration from the declarations: `python -m bridge.config.sample > etc/qyzn-bridge.toml`."""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Iterator
from typing import Any

from bridge.config.options import elsewhere
from bridge.config.section import Declared, Key, Section, bare, declared, rule_of, summary
from bridge.config.values import Config

WIDTH = 100

HEADER = """\
The configuration of qyzn-bridge: every key, with its default. A key that has no default stands behind a #; the value
there is an example. Options on the command line win over environment variables, and those over this file. A key, or a
QYZN_BRIDGE_ variable, that does not exist stops the start. Relative paths start from the working directory."""


def sample(section: type[Section] = Config) -> str:
    """The text of etc/qyzn-bridge.toml."""
    return "\n".join([*_comment(HEADER), "", *_table(section)]).rstrip("\n") + "\n"


def _table(section: type[Section], prefix: str = "", mark: str = "") -> Iterator[str]:
    """The lines of a table: its values first, as TOML has it, then the tables below. `mark` goes before what is only an example."""
    below = [entry for entry in declared(section) if entry.table or entry.tables]
    for entry in declared(section):
        if entry.key and entry not in below:
            yield from _value(entry, entry.key, elsewhere(prefix + entry.name), mark)
    for entry in below:
        path = prefix + entry.name
        if entry.table:
            yield from [*_comment(summary(entry.table)), f"{mark}[{path}]", "", *_table(entry.table, f"{path}.", mark)]
        elif entry.tables and entry.key:
            path = f"{path}.{entry.key.example}"
            yield from [*_comment(entry.key.description), f"#[{path}]", "", *_table(entry.tables, f"{path}.", "#")]


def _value(entry: Declared, key: Key, others: tuple[str, ...], mark: str) -> Iterator[str]:
    rule = rule_of(entry.type)
    bounds = f"{rule.expected[0].upper()}{rule.expected[1:]}." if rule and bare(entry.type) in (int, float) else ""
    yield from _comment(key.description, bounds, f"Also {' and '.join(others)}." if others else "")
    is_example = entry.default is None or entry.rows
    yield f"#{entry.name} = {key.example}" if is_example else f"{mark}{entry.name} = {toml(entry.default)}"
    yield ""


def _comment(*sentences: str) -> list[str]:
    words = " ".join(" ".join(sentences).split())
    return textwrap.wrap(words, WIDTH, initial_indent="# ", subsequent_indent="# ", break_long_words=False, break_on_hyphens=False)


def toml(value: Any) -> str:
    """A default as TOML."""
    if isinstance(value, tuple):
        return f"[{', '.join(map(toml, value))}]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return f"{value:_}".removesuffix(".0")
    return json.dumps(str(value), ensure_ascii=False)


if __name__ == "__main__":
    sys.stdout.buffer.write(sample().encode())  # TOML is UTF-8, whatever the terminal is
