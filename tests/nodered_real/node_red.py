"""A real Node-RED, as a process with a folder of its own and the flows of `etc/node-red` in it. It listens on loopback.

The flows are what stands in the files. Only what they say is yours to change is changed: the broker's port and user, and the version of MQTT.
Beyond that, debug nodes write to the log, where a test can read them. The files of the flows are below HOME, which is a folder of the test's.
"""

from __future__ import annotations

import json
import os
import re
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from tests.integration.bridge_process import ROOT, Run
from tests.integration.broker import LOOPBACK, free_port

FLOWS = tuple(sorted((ROOT / "etc" / "node-red").glob("*.json")))
TOKEN = "a-long-one-that-nobody-can-guess"
USER = "node-red"
PATIENCE_S = 20.0
VERSIONS = {"5": "5", "3.1.1": "4"}
"""Node-RED's own names for them."""
SETTINGS = """\
module.exports = {{
    uiHost: "{host}", uiPort: {port}, flowFile: "flows.json", credentialSecret: false,
    telemetry: {{ enabled: false, updateNotification: false }}, editorTheme: {{ tours: false }},
    externalModules: {{ palette: {{ allowInstall: false }} }},
    contextStorage: {{ default: {{ module: "localfilesystem", config: {{ flushInterval: 1 }} }} }},
    logging: {{ console: {{ level: "info", metrics: false, audit: false }} }},
}};
"""
COMPLAINT = re.compile(r" - \[(?:warn|error|fatal)\] (?!Projects disabled|Using unencrypted credentials)")
"""Save of how this Node-RED is set up."""


class NodeRed:
    """One installation: `program` is what scripts/install-nodered made, `directory` its own. Files and the broker's queues stay over restarts."""

    def __init__(self, program: Path, directory: Path, broker_port: int, password: str, protocol: str = "5", token: str = TOKEN) -> None:
        self.home = directory / "home"
        self._program = program
        self._directory = directory
        self._port = free_port()
        self._run: Run | None = None
        self._logs: list[str] = []
        """Of its earlier runs."""
        self._expected: list[str] = []
        self.home.mkdir(parents=True)
        (directory / "settings.js").write_text(SETTINGS.format(host=LOOPBACK, port=self._port))
        self._write_flows(broker_port, password, protocol, token)

    @property
    def url(self) -> str:
        """Where a browser finds it."""
        return f"http://{LOOPBACK}:{self._port}"

    def start(self, connections: int = len(FLOWS)) -> None:
        """Return when its flows run, and so many of them are connected to the broker."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("NODE_", "QYZN_"))}
        command = [str(self._program / "node"), str(self._program / "node_modules" / "node-red" / "red.js")]
        command += ["-u", str(self._directory), "-s", str(self._directory / "settings.js")]
        self._run = Run(self._directory, command, kept | {"HOME": str(self.home)})
        self._run.line_with("Started flows")
        if connections:
            self._run.line_with("Connected to broker", connections)

    def stop(self) -> None:
        """End it as a supervisor does. Nothing happens when it does not run."""
        if self._run is not None and self._run.is_running:
            self._run.stop()
        self.kill()

    def kill(self) -> None:
        """End it at once, as a crash does."""
        run, self._run = self._run, None
        if run is not None:
            if run.is_running:
                run.kill()
            self._logs.append(run.log + run.errors)

    # What it says.

    def line_with(self, part: str) -> str:
        """Wait for a line of the log with this in it, since its start. It is no complaint from then on."""
        assert self._run is not None
        self._expected.append(part)
        return self._run.line_with(part)

    def complaints(self) -> list[str]:
        """The warnings and errors in its log that no test waited for."""
        log = "".join([*self._logs, *([self._run.log + self._run.errors] if self._run is not None else [])])
        found = [line for line in log.splitlines() if COMPLAINT.search(line) or "Error" in line]
        return [line for line in found if not any(part in line for part in self._expected)]

    # What people do with it.

    def click(self, node_id: str) -> None:
        """Click on the button of an inject node."""
        status, _ = self.post(f"/inject/{node_id}")
        assert status == 200

    def post(self, path: str, token: str | None = None) -> tuple[int, bytes]:
        """POST nothing. The status, and what came back."""
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        request = urllib.request.Request(self.url + path, b"", headers, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()

    def _write_flows(self, broker_port: int, password: str, protocol: str, token: str) -> None:
        nodes: list[dict[str, Any]] = [node for path in FLOWS for node in json.loads(path.read_text("utf-8"))]
        credentials = {"qyzn-rings": {"OPEN_TOKEN": token}} if token else {}
        for node in nodes:
            if node["type"] == "mqtt-broker":
                node |= {"port": str(broker_port), "protocolVersion": VERSIONS[protocol]}
                credentials[node["id"]] = {"user": USER, "password": password}
            if node["type"] == "debug":
                node["console"] = True
        (self._directory / "flows.json").write_text(json.dumps(nodes), "utf-8")
        (self._directory / "flows_cred.json").write_text(json.dumps(credentials))
