"""The sample in etc/ is what the declarations say, and says what they do."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Annotated

from bridge.config import Config, Device, load
from bridge.config.answers import Flat
from bridge.config.build import Builder
from bridge.config.sample import WIDTH, sample, toml
from bridge.config.section import Key, Section, declared, hidden, walk
from bridge.config.shapes import Seconds, Text
from bridge.config.values import Mqtt

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "etc" / "qyzn-bridge.toml"


def test_the_file_is_not_stale() -> None:
    assert SAMPLE.read_text(encoding="utf-8") == sample(), "run: python -m bridge.config.sample > etc/qyzn-bridge.toml"


def test_the_command_writes_it() -> None:
    command = [sys.executable, "-m", "bridge.config.sample"]
    assert subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=30).stdout == SAMPLE.read_bytes()


def test_loading_it_gives_the_defaults() -> None:
    assert load(SAMPLE) == Config()


def test_every_key_is_in_it_with_its_default_or_commented_out() -> None:
    for path, entry in walk(Config):
        table, _, name = path.rpartition(".")
        body = re.split(r"^#?\[", sample(), flags=re.MULTILINE)
        (section,) = (part for part in body if part.startswith(f"{table}]")) if table else body[:1]
        expected = f"{name} = {toml(entry.default)}" if entry.default is not None else f"#{name} = "
        assert re.search(f"^{re.escape(expected)}", section, re.MULTILINE), path


def test_what_is_commented_out_is_toml_for_real_keys() -> None:
    written = tomllib.loads(re.sub(r"^#(?! )", "", sample(), flags=re.MULTILINE))
    assert set(written) == {entry.name for entry in declared(Config)}
    assert set(written["mqtt"]) == {entry.name for entry in declared(Mqtt)}
    (device,) = written["devices"].values()
    assert Builder(None, {}).section(Device, device) == Device(name="Front door")
    flat = Builder(None, {}).section(Flat, written["intercom"]["flats"]["304"])
    assert (len(flat.called), flat.device_name) == (1, "Main gate")


def test_a_new_key_takes_one_line() -> None:
    class Clock(Section, frozen=True, kw_only=True):
        drift_s: Annotated[Seconds, Key("How wrong it may be.")] = 1.5
        code: Annotated[Text | None, Key("What opens it.", example='"0000"', mask=hidden)] = None

    lines = sample(Clock).splitlines()
    assert "# How wrong it may be. A number of seconds, 0.001 to 86400." in lines
    assert {"drift_s = 1.5", '#code = "0000"'} <= set(lines)
    clock = Builder(None, {}).section(Clock, {"drift_s": 2, "code": "1234"})
    assert (clock.drift_s, clock.code, repr(clock)) == (2.0, "1234", "Clock(drift_s=2.0, code='***')")


def test_it_reads_well() -> None:
    assert max(map(len, sample().splitlines())) <= WIDTH
    assert "\n\n\n" not in sample()
    assert sample().endswith("\n")
    assert not sample().endswith("\n\n")
