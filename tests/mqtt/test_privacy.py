from __future__ import annotations

from bridge.catalogue import REPORTS
from bridge.mqtt.privacy import hidden_names, without


def test_a_field_is_hidden_under_each_name_the_wire_has_for_it() -> None:
    assert hidden_names(frozenset()) == frozenset()
    assert hidden_names(frozenset({"id_number"})) == {"id_number", "idnum"}
    assert hidden_names(frozenset({"person_name"})) >= {"person_name", "fullname"}
    assert "snappic" in hidden_names(frozenset({"image"}))
    assert "comparepic" not in hidden_names(frozenset({"image"}))
    assert hidden_names(frozenset({"no_such_field"})) == {"no_such_field"}


def test_what_is_named_by_its_path_is_hidden_with_each_of_its_steps() -> None:
    value = {"faces[0].faceId": 1, "faces[1].angle": 2, "a.b": 3, "faces[2]": 4}
    assert without(value, frozenset({"faceid"})) == {"faces[1].angle": 2, "a.b": 3, "faces[2]": 4}
    assert without(value, frozenset({"faces"})) == {"a.b": 3}


def test_every_alias_is_hidden_with_its_field() -> None:
    for report in REPORTS.values():
        for alias in report.aliases:
            assert any(alias.lower() in hidden_names(frozenset({name})) for name in report.data.__struct_fields__), alias


def test_members_are_left_out_at_any_depth() -> None:
    value = {"idNum": 1, "IDNUM": 2, "deep": [{"idNum": {"x": 1}, "id": 3}, [{"id_number": 4}], "idNum"], "n": None}
    assert without(value, hidden_names(frozenset({"id_number"}))) == {"deep": [{"id": 3}, [{}], "idNum"], "n": None}
    assert without(value, frozenset()) == value


def test_the_fields_of_objects_in_a_message_are_hidden_too() -> None:
    assert hidden_names(frozenset({"face_id"})) >= {"face_id", "faceid"}
    assert hidden_names(frozenset({"image"})) >= {"image", "snappic", "picture"}


def test_the_names_that_can_be_left_out() -> None:
    from bridge.mqtt.privacy import ALWAYS_THERE, fields_of_events

    assert {"id_number", "person_name", "image", "compare_image", "content", "call_number"} <= fields_of_events()
    assert not fields_of_events() & ALWAYS_THERE
    assert "fullName" not in fields_of_events()
