"""The little Markdown that the pages are made of."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

NOTICE = "<!-- Written by `make docs` from the declarations in bridge/. Change those, not this page. -->"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table, followed by an empty line; nothing where there is no row. A column in which nothing stands is left out."""
    cells = [[cell(each) for each in row] for row in rows]
    used = [column for column in range(len(heads)) if any(row[column] for row in cells)]
    if not cells:
        return []
    lines = [[heads[column] for column in used], ["---"] * len(used), *([row[column] for column in used] for row in cells)]
    return [*(f"| {' | '.join(line)} |" for line in lines), ""]


def cell(text: str) -> str:
    """A text that fits into a table."""
    return " ".join(text.split()).replace("|", "\\|")


def code(text: str) -> str:
    """Something to be typed as it stands; nothing for nothing."""
    return f"`{text}`" if text else ""


def fence(value: Any) -> list[str]:
    """JSON, laid out for people."""
    return ["```json", pretty(value), "```", ""]


def pretty(value: Any) -> str:
    """JSON: what is short stands on one line."""
    short = json.dumps(value, ensure_ascii=False)
    return short if len(short) <= 100 else json.dumps(value, ensure_ascii=False, indent=2)


def link(text: str, target: str) -> str:
    """A link."""
    return f"[{text}]({target})"


def anchor(heading: str) -> str:
    """What a heading is called in a link to it: lower case, without punctuation, spaces as hyphens."""
    return "#" + re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def summary_of(declared: Any) -> str:
    """The docstring of a class or function, on one line."""
    return " ".join((getattr(declared, "__doc__", None) or "").split())


def page(title: str, intro: Iterable[str], body: Iterable[str]) -> str:
    """A page. `intro` are its first paragraphs."""
    paragraphs = [line for paragraph in intro for line in (paragraph, "")]
    return "\n".join([f"# {title}", "", NOTICE, "", *paragraphs, *body]).rstrip("\n") + "\n"
