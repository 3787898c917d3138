"""A real Home Assistant, as a process with a folder of its own, driven over its REST API. It listens on loopback and knows one user."""

from __future__ import annotations

import json
import os
import re
import secrets
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.integration.broker import LOOPBACK, free_port

START_S = 120.0  # it takes five seconds; the first time on a busy machine, more
STOP_S = 30.0
PATIENCE_S = 20.0  # for what follows from something that was just done
LOOK_EVERY_S = 0.1

CONFIGURATION = """\
homeassistant:
  name: Bridge test
  time_zone: UTC
  unit_system: metric
http:
  server_host: {host}
  server_port: {port}
api:
config:
logger:
  default: warning
"""
# Only the user is still to be made: the other steps would start flows that use the internet.
ONBOARDING = {"version": 4, "minor_version": 1, "key": "onboarding", "data": {"done": ["core_config", "analytics", "integration"]}}


def until(condition: Callable[[], Any], what: str, within_s: float = PATIENCE_S) -> Any:
    """Wait until the condition gives something true, and return that."""
    deadline = time.monotonic() + within_s
    pause = threading.Event()
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < deadline, f"{what} did not come within {within_s:g} s"
        pause.wait(LOOK_EVERY_S)


class HomeAssistant:
    """One installation: `venv` has the program, `directory` the configuration. It stays what it is over restarts."""

    def __init__(self, venv: Path, directory: Path) -> None:
        self._python = venv / "bin" / "python"
        self._directory = directory
        self._base = ""
        self._token = ""
        self._client_id = ""
        self._process: subprocess.Popen[bytes] | None = None
        directory.mkdir(parents=True, exist_ok=True)
        (directory / ".storage").mkdir()
        (directory / ".storage" / "onboarding").write_text(json.dumps(ONBOARDING))

    def start(self) -> None:
        """Return when it runs."""
        if not self._base:
            port = free_port()
            self._base = f"http://{LOOPBACK}:{port}"
            (self._directory / "configuration.yaml").write_text(CONFIGURATION.format(host=LOOPBACK, port=port))
        command = [
            str(self._python),
            "-m",
            "homeassistant",
            "-c",
            str(self._directory),
            "--skip-pip",
            "--ignore-os-check",
            "--log-no-color",
        ]
        with (self._directory / "output").open("ab") as output:
            self._process = subprocess.Popen(
                command, cwd=self._directory, env=_environment(), stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
        until(self._answers, "Home Assistant", START_S)
        if not self._token:
            self._make_user()
        until(lambda: self.get("/api/config")["state"] == "RUNNING", "the end of its start", START_S)

    def stop(self) -> None:
        """End it as a supervisor does. Nothing happens when it does not run."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def restart(self) -> None:
        """End it and start it again."""
        self.stop()
        self.start()
        until(self._is_connected, "its connection to the broker")

    def connect(self, port: int) -> None:
        """Add the MQTT integration, with a broker on loopback."""
        flow = self._post("/api/config/config_entries/flow", {"handler": "mqtt", "show_advanced_options": True})
        flow = self._post(f"/api/config/config_entries/flow/{flow['flow_id']}", _answers_to(flow, {"broker": LOOPBACK, "port": port}))
        assert flow["type"] == "create_entry", flow
        until(self._is_connected, "its connection to the broker")

    # What it shows.

    def state(self, entity_id: str) -> dict[str, Any] | None:
        """State and attributes; None when there is no such entity."""
        try:
            found: dict[str, Any] = self.get(f"/api/states/{entity_id}")
        except LookupError:
            return None
        return found

    def entities(self, part: str) -> dict[str, dict[str, Any]]:
        """The entities that have this in their ids, by id."""
        return {each["entity_id"]: each for each in self.get("/api/states") if part in each["entity_id"]}

    def wait_for(self, entity_id: str, state: str | None = None) -> dict[str, Any]:
        """Wait until there is such an entity, and it matches this (a regular expression)."""

        def look() -> dict[str, Any] | None:
            found = self.state(entity_id)
            return found if found is not None and (state is None or re.fullmatch(state, found["state"])) else None

        found: dict[str, Any] = until(look, f"{entity_id} {state or ''}")
        return found

    def image(self, entity_id: str) -> bytes:
        """The picture that an image entity shows."""
        found = self.state(entity_id)
        assert found is not None
        picture: bytes = self._ask("GET", found["attributes"]["entity_picture"])
        return picture

    def device(self, entity_id: str, attribute: str) -> str:
        """What the device of an entity is like, as in `name`; for via_device_id, the name of that device."""
        named = f"device_attr(device_id('{entity_id}'), '{attribute}')"
        shown = f"device_attr({named}, 'name')" if attribute == "via_device_id" else named
        return self._ask("POST", "/api/template", {"template": f"{{{{ {shown} }}}}"}).decode()

    def call(self, service: str, entity_id: str, **data: Any) -> None:
        """Do something to an entity, as in `button.press`."""
        self._post(f"/api/services/{service.replace('.', '/')}", {"entity_id": entity_id, **data})

    def complaints(self) -> list[str]:
        """The warnings and errors that have to do with MQTT, in its log since it started."""
        text = (self._directory / "home-assistant.log").read_text(errors="replace")
        records = re.split(r"^(?=\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)", text, flags=re.MULTILINE)
        return [
            each
            for each in records
            if re.search(r"\b(WARNING|ERROR|CRITICAL)\b", each[:60]) and re.search("mqtt|qyzn", each, re.IGNORECASE)
        ]

    # How it is asked.

    def get(self, path: str) -> Any:
        """Raises LookupError for what there is not."""
        return json.loads(self._ask("GET", path))

    def _post(self, path: str, body: Any) -> Any:
        answer = self._ask("POST", path, body)
        return json.loads(answer) if answer else None

    def _ask(self, method: str, path: str, body: Any = None, form: dict[str, str] | None = None) -> bytes:
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        data = None if form is None else urllib.parse.urlencode(form).encode()
        if body is not None:
            data, headers["Content-Type"] = json.dumps(body).encode(), "application/json"
        request = urllib.request.Request(self._base + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
                found: bytes = answer.read()
        except urllib.error.HTTPError as error:
            with error:
                if error.code == 404:
                    raise LookupError(path) from None
                raise AssertionError(f"{method} {path}: {error.code} {error.read()[:400]!r}") from None
        return found

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, f"it ended: {(self._directory / 'output').read_text(errors='replace')[-2000:]}"
        try:
            with urllib.request.urlopen(f"{self._base}/api/onboarding", timeout=PATIENCE_S) as answer:
                return bool(answer.status == 200)
        except urllib.error.HTTPError as error:
            with error:
                return error.code in (401, 404)
        except OSError:
            return False

    def _make_user(self) -> None:
        self._client_id = f"{self._base}/"
        user = {"name": "tester", "username": "tester", "password": secrets.token_urlsafe(12), "language": "en"}
        code = self._post("/api/onboarding/users", {"client_id": self._client_id, **user})["auth_code"]
        form = {"client_id": self._client_id, "grant_type": "authorization_code", "code": code}
        self._token = json.loads(self._ask("POST", "/auth/token", form=form))["access_token"]

    def _is_connected(self) -> bool:
        entries = self.get("/api/config/config_entries/entry")
        return [each["state"] for each in entries if each["domain"] == "mqtt"] == ["loaded"]


def _answers_to(flow: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
    """What a form asks for, with its own defaults where it demands more."""
    asked = {field["name"]: field.get("default") for field in flow["data_schema"]}
    return {name: known.get(name, default) for name, default in asked.items() if name in known or name == "protocol"}


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | {"PYTHONUNBUFFERED": "1"}
