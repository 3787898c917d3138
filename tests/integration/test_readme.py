"""The README's own example of a terminal, as a newcomer runs it: the Python block in which the frame's magic stands."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.integration.bridge_process import PATIENCE_S, ROOT
from tests.integration.conftest import Setting, StartBridge, Watch

pytestmark = pytest.mark.integration

README = ROOT / "README.md"


def example() -> str:
    """The block's text. It speaks to 127.0.0.1, port 8899."""
    blocks = re.findall(r"^```python\n(.*?)^```", README.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    (found,) = (str(block) for block in blocks if "QYZN" in block)
    return found


@pytest.mark.skipif(not README.exists(), reason="no README.md yet")
def test_the_example_of_a_terminal_shows_an_event(start_bridge: StartBridge, watch: Watch, embedded: Setting) -> None:
    bridge = start_bridge(embedded.url)
    watcher = watch(embedded.port)
    script = example()
    assert "8899" in script
    script = script.replace("8899", str(bridge.terminal_port))
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert ended.returncode == 0, ended.stderr
    watcher.wait(lambda: any("/event/" in each.topic for each in watcher.messages), "an event")
