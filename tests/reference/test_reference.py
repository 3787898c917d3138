"""What stands in docs/ is what the declarations say, and they say enough."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from bridge.catalogue import COMMANDS, DECLARATIONS, REPORTS, Command, Report
from bridge.catalogue.configuration import GROUPS, MASK, SETTABLE
from bridge.catalogue.group import Group
from bridge.reference import output
from bridge.reference.channel import Channel
from bridge.reference.fields import Row, rows_of
from bridge.reference.markdown import anchor
from bridge.reference.stage import Stage

DOCS = Path(__file__).parents[2] / "docs"
PAGES = {path: text for path, text in output.files().items() if path.endswith(".md")}
DECLARED: list[Command | Report | Group] = [*COMMANDS.values(), *REPORTS.values(), *GROUPS.values()]
SHAPES: dict[str, type[Any]] = {
    **{f"{each.name}'s answer": each.answer for each in DECLARATIONS},
    **{each.name: each.data for each in DECLARED},
    **{f"reply to {each.name}": each.question.reply for each in REPORTS.values() if each.question},
    **{f"request {name}": each.fields for name, each in Stage().requests.items()},
}


def test_docs_are_what_the_declarations_say() -> None:
    stale = [str(path) for path in output.stale(DOCS)]
    assert not stale, (
        f"stale, missing or left over in docs/: {', '.join(stale)}; run `make docs`, or `python -m bridge.reference`, and commit"
    )


def test_writing_mends_what_is_stale_missing_or_left_over(tmp_path: Path) -> None:
    output.write(tmp_path)
    assert output.stale(tmp_path) == []
    (tmp_path / "README.md").write_text("something else")
    (tmp_path / "asyncapi.json").unlink()
    (tmp_path / "schemas" / "command" / "gone.json").write_text("{}")
    (tmp_path / "notes.md").write_text("somebody's own")
    wanted = [Path("README.md"), Path("asyncapi.json"), Path("schemas/command/gone.json")]
    assert sorted(output.stale(tmp_path)) == wanted
    assert sorted(output.write(tmp_path)) == wanted
    assert output.stale(tmp_path) == []
    assert (tmp_path / "notes.md").exists()


def test_it_is_the_same_whenever_it_is_written() -> None:
    first = output.files()
    output.all_channels.cache_clear()
    assert output.files() == first


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_is_told_of(name: str) -> None:
    _is_told(PAGES["reference/commands.md"], name, f"qyzn/<serial>/command/{name}")


@pytest.mark.parametrize("name", REPORTS)
def test_each_report_is_told_of(name: str) -> None:
    kind = REPORTS[name].event
    _is_told(PAGES["reference/events.md"], name, f"qyzn/<serial>/event/{kind}" if kind else name)


@pytest.mark.parametrize("name", GROUPS)
def test_each_group_is_told_of(name: str) -> None:
    _is_told(PAGES["reference/groups.md"], name, f"qyzn/<serial>/config/{name}")
    assert (f"qyzn/<serial>/config/{name}/set`" in PAGES["reference/groups.md"]) == (name in SETTABLE)


def _is_told(page: str, heading: str, topic: str) -> None:
    (section,) = re.findall(rf"^##+ {re.escape(heading)}$(.*?)(?=^##+ |\Z)", page, re.DOTALL | re.MULTILINE)
    assert topic in section or topic == heading
    assert "```json" in section or heading == "logout"
    assert "ection " in section


def test_each_declaration_says_enough() -> None:
    for each in DECLARED:
        assert re.fullmatch(r"\d(\.\d+)+", each.section), each.name
        assert each.summary.endswith("."), each.name
        assert each.example or not [row for row in rows_of(each.data) if row.required], f"{each.name} has no example"


@pytest.mark.parametrize(("name", "row"), [(name, row) for name, shape in SHAPES.items() for row in rows_of(shape)], ids=str)
def test_each_field_has_a_meaning(name: str, row: Row) -> None:
    assert row.meaning, f"{row.name} of {name} has no description"


@pytest.mark.parametrize("path", PAGES)
def test_every_link_leads_somewhere(path: str) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", PAGES[path]):
        file, _, fragment = target.partition("#")
        named = (DOCS / path).parent.joinpath(file).resolve() if file else DOCS / path
        assert named.exists(), target
        if fragment:
            page = PAGES[named.relative_to(DOCS).as_posix()]
            headings = [anchor(line.lstrip("# ")) for line in page.splitlines() if line.startswith("#")]
            assert headings.count(f"#{fragment}") == 1, target


@pytest.mark.parametrize("path", PAGES)
def test_tables_are_whole(path: str) -> None:
    previous = 0
    for line in PAGES[path].splitlines():
        columns = len(re.findall(r"(?<!\\)\|", line)) if line.startswith("|") else 0
        assert previous in (0, columns) or columns == 0, line
        previous = columns


def test_topics_are_told_of_once_each() -> None:
    keys = [channel.key for channel in output.all_channels()]
    addresses = [channel.address for channel in output.all_channels()]
    assert len(set(keys)) == len(keys)
    assert len(set(addresses)) == len(addresses)


@pytest.mark.parametrize("channel", output.all_channels(), ids=lambda channel: channel.key)
def test_a_reply_goes_somewhere(channel: Channel) -> None:
    keys = {each.key for each in output.all_channels()}
    assert channel.reply is None or channel.reply in keys
    assert channel.summary


def test_no_secret_is_shown() -> None:
    shown = {channel.key: channel.examples[0] for channel in output.all_channels() if channel.direction == "out" and channel.examples}
    secret = [(f"config/{group.name}", name) for group in GROUPS.values() for name in group.secrets if name in group.example]
    assert secret
    assert {shown[key][name] for key, name in secret} == {MASK}
