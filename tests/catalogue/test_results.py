"""Result codes, against the table at the end of the vendor's document."""

from __future__ import annotations

import re

import pytest

from bridge.catalogue import Result, result_name

CODES = {-1, 0, *range(100, 111), *range(200, 204)}


def test_the_table_is_complete() -> None:
    assert {int(result) for result in Result} == CODES


@pytest.mark.parametrize("result", Result, ids=lambda result: result.name)
def test_each_code_has_a_name_and_words(result: Result) -> None:
    assert re.fullmatch(r"[a-z_]+", result_name(result))
    assert re.fullmatch(r"[A-Z][a-z ]+", result.words)


@pytest.mark.parametrize(
    ("code", "name"),
    [(0, "success"), (-1, "operation_failed"), (109, "busy"), (100, "register_again"), (42, "result_42"), (-7, "result_-7")],
)
def test_names(code: int, name: str) -> None:
    assert result_name(code) == name
