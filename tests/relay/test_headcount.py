"""How many people a terminal knows, on its info: what tells it, and what makes it unknown."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.catalogue import COMMANDS
from bridge.wire import MessageType
from tests.relay.conftest import MakeSite
from tests.relay.site import Site, Terminal

SYNC: tuple[str, dict[str, Any]] = ("sync_person", {})
EXAMPLES = {name: dict(command.example) for name, command in COMMANDS.items()}
CHANGES = ("add_person", "delete_person", "add_person_face")


def ask(site: Site, terminal: Terminal, name: str, data: Any) -> int:
    """Send a command, which the terminal leaves unanswered for now; the request's sequence."""
    site.command(name, data)
    (request,) = (each for each in terminal.heard() if each.type == MessageType.REQUEST)
    return request.sequence


def sync(site: Site, terminal: Terminal, count: Any = 125) -> None:
    terminal.reply(ask(site, terminal, *SYNC), 0, {"person_num": count})


def told(site: Site) -> list[int | None]:
    """What info said of it, each time since last asked."""
    return [each.json["person_count"] for each in site.link.taken() if each.topic == "qyzn/SN1/info"]


def standing(site: Site) -> int | None:
    """What is said of it now."""
    site.link.taken()
    site.relay.board.again(["qyzn/SN1/info"])
    (count,) = told(site)
    return count


@pytest.fixture
def person(terminal: Terminal) -> dict[str, Any]:
    """A person that can be added."""
    return {"personId": "1", "personCode": "1", "name": "x", "type": 1}


@pytest.fixture
def counted(site: Site, terminal: Terminal) -> Terminal:
    """A terminal that has just said that it knows 125."""
    assert standing(site) is None
    sync(site, terminal)
    assert told(site) == [125]
    return terminal


def test_the_answer_to_sync_person_tells_it_and_the_rest_of_info_stays(site: Site, terminal: Terminal) -> None:
    before = site.relay.presence.notice("qyzn/SN1/info")
    sync(site, terminal)
    (info,) = (each for each in site.link.on("qyzn/SN1/info") if each.json["person_count"] is not None)
    assert info.publication.retain
    assert before is not None
    assert info.publication.payload == before.replace(b'"person_count":null', b'"person_count":125')


def test_which_commands_count_people_or_change_how_many_there_are() -> None:
    assert {name: command.people for name, command in COMMANDS.items() if command.people} == {
        "sync_person": "counts",
        "clear_person": "clears",
        **dict.fromkeys(CHANGES, "changes"),
    }


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("result", [0, 105])
def test_what_may_change_it_makes_it_unknown_when_it_is_sent(site: Site, counted: Terminal, person: Any, name: str, result: int) -> None:
    data = {"add_person": person, "delete_person": {"idSet": ["1"]}, "add_person_face": person_with_face(person)}[name]
    sequence = ask(site, counted, name, data)
    assert told(site) == [None]
    counted.reply(sequence, result)
    assert standing(site) is None


def person_with_face(person: dict[str, Any]) -> dict[str, Any]:
    days = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
    return {**person, "passNum": 1, **{f"pass{day}": True for day in days}, "faces": []}


def test_no_answer_leaves_it_unknown(site: Site, counted: Terminal) -> None:
    site.command("delete_person", {"data": {"idSet": ["1", "2"]}, "timeout": 5})
    site.wait(6)
    assert site.responses("delete_person")[0]["code"] == "timeout"
    assert standing(site) is None


def test_what_changes_nobody_leaves_it_as_it_is(site: Site, counted: Terminal) -> None:
    for name in ("update_person", "open_door", "record_clear"):
        counted.reply(ask(site, counted, name, EXAMPLES[name]))
    counted.reply(ask(site, counted, "delete_face", {"personId": "1"}))
    assert told(site) == []
    assert standing(site) == 125


def test_what_is_refused_leaves_it_as_it_is(site: Site, counted: Terminal) -> None:
    site.command("delete_person", {"idSet": []})
    site.command("clear_person", {"issued_at": "2020-01-01T00:00:00Z", "ttl": 1})
    assert standing(site) == 125


def test_after_clear_person_there_is_nobody(site: Site, counted: Terminal) -> None:
    sequence = ask(site, counted, "clear_person", {})
    assert told(site) == [None]
    counted.reply(sequence)
    assert told(site) == [0]


def test_after_a_clear_person_that_fails_nobody_knows(site: Site, counted: Terminal) -> None:
    counted.reply(ask(site, counted, "clear_person", {}), 101)
    assert told(site) == [None]


@pytest.mark.parametrize("answer", [{}, None, [], {"person_num": -1}, {"person_num": "many"}, {"person_num": 1.5}])
def test_an_answer_that_says_no_number_tells_nothing(site: Site, counted: Terminal, answer: Any) -> None:
    counted.reply(ask(site, counted, *SYNC), 0, answer)
    assert standing(site) == 125


def test_a_number_may_come_as_text(site: Site, terminal: Terminal) -> None:
    sync(site, terminal, "3")
    assert standing(site) == 3


def test_a_sync_person_that_fails_tells_nothing(site: Site, terminal: Terminal) -> None:
    terminal.reply(ask(site, terminal, *SYNC), 101, {"person_num": 5})
    assert standing(site) is None


def test_a_count_is_not_believed_when_a_change_was_under_way_meanwhile(site: Site, terminal: Terminal, person: dict[str, Any]) -> None:
    count = ask(site, terminal, *SYNC)
    change = ask(site, terminal, "add_person", person)
    terminal.reply(change)
    terminal.reply(count, 0, {"person_num": 125})
    assert standing(site) is None
    sync(site, terminal, 126)
    assert standing(site) == 126


def test_a_change_that_ends_after_a_count_makes_it_unknown(site: Site, terminal: Terminal, person: dict[str, Any]) -> None:
    change = ask(site, terminal, "add_person", person)
    sync(site, terminal)
    terminal.reply(change)
    assert standing(site) is None


def test_a_clearing_is_not_believed_when_somebody_was_added_meanwhile(site: Site, terminal: Terminal, person: dict[str, Any]) -> None:
    clear = ask(site, terminal, "clear_person", {})
    terminal.reply(ask(site, terminal, "add_person", person))
    terminal.reply(clear)
    assert standing(site) is None


def test_it_is_unknown_once_the_terminal_is_gone_and_when_it_is_back(site: Site, counted: Terminal) -> None:
    counted.hang_up()
    assert told(site) == [None]
    counted.again().log_in()
    assert standing(site) is None


def test_it_is_unknown_when_another_connection_takes_the_place(site: Site, counted: Terminal) -> None:
    counted.again().log_in()
    assert standing(site) is None


def test_it_stays_while_the_terminal_reports_and_is_renamed(site: Site, counted: Terminal) -> None:
    site.clock.advance(60)
    counted.recognise()
    site.request("device/rename", {"id": "SN1", "name": "Front door"})
    assert standing(site) == 125


def test_nothing_is_kept_of_a_terminal_of_which_nothing_is_known(site: Site, counted: Terminal) -> None:
    site.request("device/remove", {"id": "SN1"})
    assert site.relay.presence._people == {}


@pytest.mark.parametrize(("name", "expected"), [("sync_person", 7), ("add_person", None), ("get_configs", 125), ("newer_than_us", None)])
def test_a_raw_message_is_taken_for_what_it_is(make_site: MakeSite, name: str, expected: int | None) -> None:
    site = make_site(commands={"raw": True})
    terminal = site.terminal()
    sync(site, terminal)
    terminal.reply(ask(site, terminal, "raw", {"message": name}), 0, {"person_num": 7})
    assert standing(site) == expected
