"""Which question an answer is for, and what became of those that are closed."""

from __future__ import annotations

import pytest

from bridge.catalogue import ReportData
from bridge.mqtt.events import Subject
from bridge.relay import questions
from bridge.relay.questions import MOST_OPEN, REMEMBERED_S, Closing, Question, Questions
from tests.terminal.lobby import ZONE


def asked(table: Questions, event_id: str, kind: str = "qrcode", device: str = "T1", due_at: float = 3.0) -> Question:
    question = Question(device, kind, event_id, ReportData(), Subject(device, device, ZONE), due_at)
    table.open(question)
    return question


def test_the_named_one() -> None:
    table = Questions()
    first, second = asked(table, "a"), asked(table, "b")
    assert table.find("T1", "qrcode", "b", 0.0) is second
    assert table.find("T1", "qrcode", "a", 0.0) is first


def test_without_a_name_the_one_that_has_waited_longest() -> None:
    table = Questions()
    first, second = asked(table, "a"), asked(table, "b")
    assert table.find("T1", "qrcode", None, 0.0) is first
    table.close(first, "answered", 0.0)
    assert table.find("T1", "qrcode", None, 0.0) is second


def test_only_of_this_terminal_and_this_kind() -> None:
    table = Questions()
    asked(table, "a", "call")
    asked(table, "b", device="T2")
    assert table.find("T1", "qrcode", None, 0.0) == "unknown"
    assert table.find("T1", "qrcode", "a", 0.0) == "unknown"
    assert table.find("T1", "qrcode", "b", 0.0) == "unknown"


def test_one_that_is_due_is_not_answered_any_more_even_if_its_timer_is_late() -> None:
    table = Questions()
    asked(table, "a", due_at=3.0)
    second = asked(table, "b", due_at=4.0)
    assert table.find("T1", "qrcode", "a", 2.999) != "late"
    assert table.find("T1", "qrcode", "a", 3.0) == "late"
    assert table.find("T1", "qrcode", None, 3.0) is second
    assert table.find("T1", "qrcode", None, 4.0) == "late"


@pytest.mark.parametrize("how", ["answered", "late", "withdrawn"])
def test_how_a_closed_one_came_to_its_end(how: Closing) -> None:
    table = Questions()
    table.close(asked(table, "a"), how, 1.0)
    table.close(asked(table, "c", "call"), "answered", 1.0)
    assert table.find("T1", "qrcode", "a", 2.0) == how
    assert table.find("T1", "qrcode", None, 2.0) == how
    assert table.find("T1", "qrcode", "b", 2.0) == "unknown"
    assert table.find("T2", "qrcode", None, 2.0) == "unknown"


def test_without_a_name_the_last_one_to_end_counts() -> None:
    table = Questions()
    first, second = asked(table, "a"), asked(table, "b")
    table.close(second, "answered", 1.0)
    table.close(first, "late", 2.0)
    assert table.find("T1", "qrcode", None, 2.0) == "late"


def test_asked_again_it_is_open_again() -> None:
    table = Questions()
    table.close(asked(table, "a"), "withdrawn", 1.0)
    again = asked(table, "a")
    assert table.find("T1", "qrcode", "a", 2.0) is again


def test_a_terminal_has_so_many_open_and_no_more() -> None:
    table = Questions()
    for number in range(MOST_OPEN):
        assert table.may_ask("T1")
        last = asked(table, str(number))
    assert not table.may_ask("T1")
    assert table.may_ask("T2")
    table.close(last, "late", 0.0)
    assert table.may_ask("T1")


def test_all_and_those_of_one_terminal() -> None:
    table = Questions()
    first, other, second = asked(table, "a"), asked(table, "b", device="T2"), asked(table, "c", "call")
    assert table.of("T1") == [first, second]
    assert set(table) == {first, other, second}
    for question in table:
        table.close(question, "late", 0.0)
    assert list(table) == table.of("T1") == []


def test_the_closed_are_forgotten_after_a_while_and_beyond_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(questions, "MOST_REMEMBERED", 2)
    table = Questions()
    for event_id, at in (("a", 0.0), ("b", 1.0), ("c", 2.0)):
        table.close(asked(table, event_id), "late", at)
    assert [table.find("T1", "qrcode", each, 3.0) for each in "abc"] == ["unknown", "late", "late"]
    table.close(asked(table, "d"), "late", 1.5 + REMEMBERED_S)
    assert [table.find("T1", "qrcode", each, 1.5 + REMEMBERED_S) for each in "bcd"] == ["unknown", "late", "late"]
