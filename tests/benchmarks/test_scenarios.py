"""The forms of a run, and how some of its rows are chosen."""

from __future__ import annotations

import pytest

from benchmarks.scenarios import FORMS, SCENARIOS


def names(form: str, *chosen: str) -> list[str]:
    return [each.name for each in FORMS[form].scenarios(chosen)]


@pytest.mark.parametrize("form", FORMS)
def test_a_form_has_its_rows(form: str) -> None:
    assert names(form) == list(FORMS[form].names)


def test_rows_are_chosen_by_whole_words() -> None:
    assert names("full", "closed-100") == ["closed-100-0", "closed-100-50"]
    assert names("full", "idle-500") == ["idle-500"]
    assert names("quick", "command", "idle-5000") == ["command-rest", "command-busy", "idle-5000"]
    assert names("full", "closed-1-") == names("full", "closed-1") == ["closed-1-0", "closed-1-50"]


@pytest.mark.parametrize("strange", ["nonsense", "clos", "closed-1-0-0", "-"])
def test_a_name_that_is_none_is_told_even_beside_one_that_is(strange: str) -> None:
    with pytest.raises(ValueError, match=f"no scenario is named {strange}, .* there are closed-1-0, "):
        names("full", "closed-1-0", strange)


def test_a_form_may_measure_for_less_long() -> None:
    assert {each.seconds for each in FORMS["smoke"].scenarios()} == {FORMS["smoke"].seconds}
    assert FORMS["full"].scenarios(["closed-1-0"])[0].seconds == SCENARIOS["closed-1-0"].seconds


def test_no_figure_stands_twice_in_a_row() -> None:
    for scenario in SCENARIOS.values():
        metrics = [figure.metric for figure in scenario.figures]
        assert len(metrics) == len(set(metrics)), scenario.name
