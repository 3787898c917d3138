"""Persons and faces: what is added is there, what is wrong has its code, and all of it survives a restart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bridge.simulator.happenings import NotKept
from bridge.simulator.manners import Manners
from bridge.simulator.shelf import FileShelf, Shelf
from bridge.simulator.terminal import Terminal
from bridge.wire import MessageType
from tests.simulator.talk import Talk, do, face, new_terminal

JANE = {"personId": "100001", "personCode": "1", "name": "Jane", "type": 1}
DAYS = ("passMonday", "passTuesday", "passWednesday", "passThursday", "passFriday", "passSaturday", "passSunday")


def with_faces(person_id: str, *faces: dict[str, str]) -> dict[str, Any]:
    return {**JANE, **dict.fromkeys(DAYS, True), "personId": person_id, "passNum": 9, "faces": list(faces)}


def persons(terminal: Terminal) -> dict[str, dict[str, str]]:
    """Faces by person."""
    return {person_id: known.faces for person_id in terminal.roster.ids() if (known := terminal.roster.get(person_id))}


def jane(shelf: Shelf | None = None) -> Terminal:
    """A terminal that knows a person with a face, and another."""
    terminal = new_terminal(shelf=shelf)
    assert do(terminal, "add_person_face", with_faces("J", {"faceId": "F1", "image": face("1")})) == 0
    assert do(terminal, "add_person", {**JANE, "personId": "K"}) == 0
    return terminal


KNOWN = {"J": {"F1": face("1")}, "K": {}}


@pytest.mark.parametrize(
    ("name", "data", "then"),
    [
        ("add_person", {**JANE, "personId": "L"}, {**KNOWN, "L": {}}),
        ("add_person_face", with_faces("L"), {**KNOWN, "L": {}}),
        ("add_person_face", with_faces("L", {"faceId": "F2", "image": face("2")}), {**KNOWN, "L": {"F2": face("2")}}),
        ("add_person_face", with_faces("L", {"faceId": "F2"}), {**KNOWN, "L": {}}),
        ("add_face", {"personId": "J", "faceId": "F2", "image": face("2")}, {**KNOWN, "J": {"F1": face("1"), "F2": face("2")}}),
        ("add_face", {"personId": "K", "faceId": "F2", "image": face("2")}, {**KNOWN, "K": {"F2": face("2")}}),
        ("update_person", {"personId": "J", "personCode": "2", "name": "Janet"}, KNOWN),
        ("delete_person", {"idSet": ["J"]}, {"K": {}}),
        ("clear_person", {}, {}),
        ("delete_face", {"faceId": "F1"}, {"J": {}, "K": {}}),
        ("delete_face", {"personId": "J"}, {"J": {}, "K": {}}),
        ("delete_face", {"personId": "J", "faceId": "F1"}, {"J": {}, "K": {}}),
        ("delete_face", {"personId": "K"}, KNOWN),
    ],
)
def test_what_is_done_is_there_and_survives_a_restart(name: str, data: Any, then: dict[str, dict[str, str]], tmp_path: Path) -> None:
    terminal = jane(FileShelf(tmp_path))
    assert do(terminal, name, data) == 0
    assert persons(terminal) == then
    again = new_terminal(shelf=FileShelf(tmp_path))
    assert persons(again) == then
    assert [again.roster.get(each) for each in then] == [terminal.roster.get(each) for each in then]


@pytest.mark.parametrize(
    ("name", "data", "result"),
    [
        ("add_person", {**JANE, "personId": "J"}, 101),
        ("add_person_face", with_faces("J"), 101),
        ("add_person_face", with_faces("L", {"faceId": "F1", "image": face()}), 101),
        ("add_person_face", with_faces("L", {"faceId": "F2", "image": face()}, {"faceId": "F2", "image": face()}), 101),
        ("add_person_face", with_faces("L", {"faceId": "F2", "image": face()}, {"faceId": "F3", "image": face("NO-FACE")}), 110),
        ("add_person", {**JANE, "personId": ""}, 104),
        ("update_person", {**JANE, "personId": "L"}, 105),
        ("delete_person", {"idSet": ["L"]}, 105),
        ("delete_person", {"idSet": ["J", "K"]}, 104),
        ("add_face", {"personId": "L", "faceId": "F2", "image": face()}, 105),
        ("add_face", {"personId": "K", "faceId": "F1", "image": face()}, 101),
        ("add_face", {"personId": "K", "faceId": "F2", "image": face("NO-FACE")}, 110),
        ("add_face", {"personId": "K", "faceId": "F2", "image": "AAAA"}, 104),
        ("delete_face", {"faceId": "F2"}, 102),
        ("delete_face", {"faceId": "F1", "personId": "K"}, 102),
        ("delete_face", {"personId": "L"}, 105),
        ("delete_face", {}, 104),
    ],
)
def test_what_is_wrong_has_its_code_and_changes_nothing(name: str, data: Any, result: int, tmp_path: Path) -> None:
    terminal = jane(FileShelf(tmp_path))
    assert do(terminal, name, data) == result
    assert persons(terminal) == persons(new_terminal(shelf=FileShelf(tmp_path))) == KNOWN


def test_a_portrait_is_not_kept() -> None:
    terminal = new_terminal()
    assert do(terminal, "add_person_face", {**with_faces("L"), "portrait": face(), "passMode": 255}) == 0
    known = terminal.roster.get("L")
    assert known is not None
    assert known.fields == {name: value for name, value in with_faces("L").items() if name != "faces"} | {"passMode": 255}


def test_an_update_changes_what_it_names_alone() -> None:
    terminal = jane()
    assert do(terminal, "update_person", {"personId": "K", "personCode": "9", "passMonday": False}) == 0
    known = terminal.roster.get("K")
    assert known is not None
    assert known.fields == {**JANE, "personId": "K", "personCode": "9", "passMonday": False}


def test_a_full_store() -> None:
    terminal = new_terminal(most_persons=2)
    results = [do(terminal, "add_person", {**JANE, "personId": each}) for each in ("1", "2", "3")]
    assert results == [0, 0, 108]
    faces = [do(terminal, "add_face", {"personId": "1", "faceId": f"F{n}", "image": face(str(n))}) for n in range(4)]
    assert faces == [0, 0, 0, 108]
    assert do(terminal, "delete_person", {"idSet": ["1"]}) == 0
    assert do(terminal, "add_person", {**JANE, "personId": "3"}) == 0


def test_too_many_bytes_of_faces() -> None:
    terminal = jane()
    terminal.roster._most_bytes = len(face("1")) + len(face("22"))
    assert do(terminal, "add_face", {"personId": "J", "faceId": "F2", "image": face("much more")}) == 108
    assert do(terminal, "add_face", {"personId": "J", "faceId": "F2", "image": face("22")}) == 0


def test_faces_without_ids_get_some() -> None:
    terminal = new_terminal()
    for person_id in ("1", "2"):
        assert do(terminal, "add_person_face", with_faces(person_id, {"image": face("a")}, {"image": face("b")})) == 0
    names = [name for faces in persons(terminal).values() for name in faces]
    assert len(set(names)) == 4
    assert all(len(name) == 32 for name in names)


# Synchronising.


def synced(talk: Talk) -> list[str]:
    """Answer what comes as long as something comes; the ids of the persons reported."""
    ids = []
    while frames := [frame for frame in talk.take() if frame.type == MessageType.REQUEST]:
        for frame in frames:
            if frame.name == "device_sync_person":
                ids.append(frame.data["personId"])
            talk.answer(frame)
    return ids


def test_a_sync_says_how_many_and_reports_them_one_after_the_other() -> None:
    talk = Talk(terminal=jane())
    talk.log_in()
    talk.command("sync_person", {})
    answered, first = talk.take()
    assert (answered.type, answered.data) == (MessageType.RESPONSE, {"person_num": 2})
    assert first.name == "device_sync_person"
    assert first.data == {**with_faces("J"), "faces": [{"faceId": "F1", "image": face("1")}]}
    talk.advance(5)
    assert talk.take() == [], "one at a time"
    talk.answer(first)
    second = talk.take_one("device_sync_person")
    assert (second.data["personId"], second.data["faces"]) == ("K", [])
    talk.answer(second)
    assert talk.take() == []


def test_with_slow_answers_the_persons_come_after_the_answer() -> None:
    talk = Talk(terminal=jane(), manners=Manners(slow_s=3))
    talk.log_in()
    talk.command("sync_person", {})
    talk.advance(2.9)
    assert talk.take() == []
    talk.advance(0.2)
    assert [frame.name for frame in talk.take()] == [None, "device_sync_person"]


def test_a_recognition_is_not_held_up_by_a_sync() -> None:
    terminal = new_terminal()
    for n in range(5):
        assert do(terminal, "add_person", {**JANE, "personId": f"{n}"}) == 0
    talk = Talk(terminal=terminal)
    talk.log_in()
    talk.command("sync_person", {})
    talk.recognise()
    talk.answer(talk.take_one("device_sync_person"))
    assert talk.take_one("snapshot_face")


def test_who_is_deleted_meanwhile_is_not_reported_and_asked_twice_each_comes_once() -> None:
    terminal = new_terminal()
    for n in range(4):
        assert do(terminal, "add_person", {**JANE, "personId": f"{n}"}) == 0
    talk = Talk(terminal=terminal)
    talk.log_in()
    talk.command("sync_person", {}, sequence=1)
    assert do(terminal, "delete_person", {"idSet": ["2"]}) == 0
    talk.command("sync_person", {}, sequence=2)
    assert sorted(synced(talk)) == ["0", "0", "1", "3"], "the one on its way had been said already"
    assert synced(talk) == []


def test_a_sync_goes_on_after_a_lost_connection() -> None:
    talk = Talk(terminal=jane())
    talk.log_in()
    talk.command("sync_person", {})
    first = talk.take_one("device_sync_person")
    later = Talk(terminal=talk.terminal)
    later.answer(later.take_one("login"))
    assert later.take_one("device_sync_person") == first


@pytest.mark.parametrize(
    ("data", "then"),
    [
        ({"oriPersonId": "J", "newPersonId": "N", "faces": [{"oriFaceId": "F1", "newFaceId": "F9"}]}, {"K": {}, "N": {"F9": face("1")}}),
        ({"oriPersonId": "J", "newPersonId": "J", "faces": [{"oriFaceId": "F1", "newFaceId": "F9"}]}, {"J": {"F9": face("1")}, "K": {}}),
        ({"oriPersonId": "J", "newPersonId": "K", "faces": []}, KNOWN),
        ({"oriPersonId": "J", "faces": [{"oriFaceId": "F1"}, 5]}, KNOWN),
        ({"oriPersonId": "L", "newPersonId": "N"}, KNOWN),
        ({"faces": "none"}, KNOWN),
        ({}, KNOWN),
    ],
)
def test_the_answer_may_give_other_ids(data: Any, then: dict[str, dict[str, str]], tmp_path: Path) -> None:
    talk = Talk(terminal=jane(FileShelf(tmp_path)))
    talk.log_in()
    talk.command("sync_person", {})
    talk.answer(talk.take_one("device_sync_person"), data=data)
    assert persons(talk.terminal) == then
    assert persons(new_terminal(shelf=FileShelf(tmp_path))) == then


def test_an_id_that_cannot_be_kept_is_told_of() -> None:
    class FillsUp(Shelf):
        full = False

        def put(self, key: str, value: Any) -> None:
            if self.full:
                raise OSError(28, "No space left on device")

    shelf = FillsUp()
    talk = Talk(terminal=jane(shelf))
    talk.log_in()
    talk.command("sync_person", {})
    first = talk.take_one("device_sync_person")
    shelf.full = True
    talk.told.clear()
    talk.answer(first, data={"oriPersonId": "J", "newPersonId": "N"})
    assert talk.told == [NotKept("No space left on device")]
    assert talk.take_one("device_sync_person").data["personId"] == "K"
    assert persons(talk.terminal) == KNOWN


def test_a_face_does_not_get_the_id_of_another() -> None:
    terminal = jane()
    assert do(terminal, "add_face", {"personId": "K", "faceId": "F2", "image": face("2")}) == 0
    terminal.roster.rename("J", "J", {"F1": "F2"})
    assert persons(terminal) == {"J": {"F1": face("1")}, "K": {"F2": face("2")}}


# Recognising.


def test_those_who_were_added_come_most_often() -> None:
    terminal = jane()
    terminal.roster.update({"personId": "J", "icNum": "123", "type": 2})
    seen = [terminal.recognise()[0] for _ in range(100)]
    added = [person for person in seen if person.person_id == "J"]
    assert 50 < len(added) < 95
    assert {(each.name, each.kind, each.face_id, each.card_number) for each in added} == {("Jane", 2, "F1", "123")}
    assert "K" not in {person.person_id for person in seen}, "has neither a face nor a card"
    assert do(terminal, "clear_person") == 0
    assert "J" not in {terminal.recognise()[0].person_id for _ in range(50)}
