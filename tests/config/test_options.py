"""Where keys can be given beside the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.config.options import VARIABLES

README = Path(__file__).parents[2] / "README.md"


@pytest.mark.parametrize("name", VARIABLES)
def test_the_readme_names_each_variable(name: str) -> None:
    assert f"`{name}`" in README.read_text("utf-8")
