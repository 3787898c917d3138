"""A real Home Assistant, as a process with a folder of its own, driven over its REST API. It listens on loopback and knows one user.

It has what a user's has by default and the tests need: the pages that a browser shows, the phone app, automations, a history, and the
blueprints and the dashboard of `etc/homeassistant`, copied as the README there says.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
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
  country: GB
  time_zone: UTC
  unit_system: metric
http:
  server_host: {host}
  server_port: {port}
api:
config:
frontend:
history:
logbook:
mobile_app:
automation: !include automations.yaml
logger:
  default: warning
lovelace:
  dashboards:
    front-door:
      mode: yaml
      filename: dashboard.yaml
      title: Front door
      icon: mdi:door
"""
ETC = Path(__file__).parents[2] / "etc" / "homeassistant"
OURS = "mqtt|qyzn|automation|blueprint|script|template|notify|todo|recorder|lovelace"
"""What a complaint is about that concerns the bridge, or a blueprint."""
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
        self._tokens: dict[str, Any] = {}
        self._client_id = ""
        self._password = secrets.token_urlsafe(12)
        self._process: subprocess.Popen[bytes] | None = None
        directory.mkdir(parents=True, exist_ok=True)
        (directory / ".storage").mkdir()
        (directory / ".storage" / "onboarding").write_text(json.dumps(ONBOARDING))
        (directory / "automations.yaml").write_text("[]\n")
        shutil.copytree(ETC / "blueprints", directory / "blueprints")
        shutil.copy(ETC / "dashboard.yaml", directory)

    @property
    def url(self) -> str:
        """Where a browser finds it, once it was started."""
        return self._base

    @property
    def login(self) -> tuple[str, str]:
        """The name and the password of its one user, who may do everything."""
        return "tester", self._password

    @property
    def login_of_a_browser(self) -> str:
        """What a browser that is logged in keeps as `hassTokens` in the page's local storage."""
        return json.dumps({"hassUrl": self._base, "clientId": self._client_id, "expires": 0, **self._tokens})

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
        if not self._tokens:
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

    def write(self, name: str, text: str) -> None:
        """Put a file into its configuration folder."""
        (self._directory / name).write_text(text)

    def connect(self, port: int) -> None:
        """Add the MQTT integration, with a broker on loopback."""
        self.add_integration("mqtt", broker=LOOPBACK, port=port)
        until(self._is_connected, "its connection to the broker")

    def add_integration(self, domain: str, **answers: Any) -> None:
        """Add an integration as its user does: what the form asks for is answered so."""
        flow = self.post("/api/config/config_entries/flow", {"handler": domain, "show_advanced_options": True})
        flow = self.post(f"/api/config/config_entries/flow/{flow['flow_id']}", _answers_to(flow, answers))
        assert flow["type"] == "create_entry", flow

    def remove_integration(self, domain: str, title: str) -> None:
        """Remove an integration that was added under this title."""
        entries = self.get(f"/api/config/config_entries/entry?domain={domain}")
        (entry_id,) = (each["entry_id"] for each in entries if each["title"] == title)
        self._ask("DELETE", f"/api/config/config_entries/entry/{entry_id}")

    def automate(self, key: str, config: dict[str, Any]) -> str:
        """Save an automation, as its editor does, and wait until it runs; the id of its entity. Fails when it is refused."""
        self.post(f"/api/config/automation/config/{key}", config)
        found: str = until(lambda: self._automation(key), f"the automation {key}")
        return found

    def forget(self, key: str) -> None:
        """Delete an automation."""
        self._ask("DELETE", f"/api/config/automation/config/{key}")
        until(lambda: not self._automation(key), f"the end of the automation {key}")

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
        return self.picture(found["attributes"]["entity_picture"])

    def picture(self, path: str) -> bytes:
        """What is on a path, for somebody who is logged in, as the phone app is."""
        return self._ask("GET", path)

    def is_refused_to_strangers(self, path: str) -> bool:
        """Whether who is not logged in does not get it."""
        try:
            urllib.request.urlopen(self._base + path, timeout=PATIENCE_S).close()
        except urllib.error.HTTPError as error:
            with error:
                return error.code in (401, 403)
        return False

    def device(self, entity_id: str, attribute: str) -> str:
        """What the device of an entity is like, as in `name`; for via_device_id, the name of that device."""
        named = f"device_attr(device_id('{entity_id}'), '{attribute}')"
        shown = f"device_attr({named}, 'name')" if attribute == "via_device_id" else named
        return self.template(f"{{{{ {shown} }}}}")

    def template(self, template: str) -> str:
        """A template, rendered."""
        return self._ask("POST", "/api/template", {"template": template}).decode()

    def has_action(self, domain: str, name: str) -> bool:
        """Whether there is an action `domain.name` to perform."""
        return any(each["domain"] == domain and name in each["services"] for each in self.get("/api/services"))

    def call(self, service: str, entity_id: str, **data: Any) -> None:
        """Do something to an entity, as in `button.press`."""
        self.post(f"/api/services/{service.replace('.', '/')}", {"entity_id": entity_id, **data})

    def complaints(self) -> list[str]:
        """The warnings and errors that have to do with us, in its log since it started."""
        text = (self._directory / "home-assistant.log").read_text(errors="replace")
        records = re.split(r"^(?=\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)", text, flags=re.MULTILINE)
        return [each for each in records if re.search(r"\b(WARNING|ERROR|CRITICAL)\b", each[:60]) and re.search(OURS, each, re.IGNORECASE)]

    # How it is asked.

    def get(self, path: str) -> Any:
        """Raises LookupError for what there is not."""
        return json.loads(self._ask("GET", path))

    def post(self, path: str, body: Any) -> Any:
        """The answer, read as JSON."""
        answer = self._ask("POST", path, body)
        return json.loads(answer) if answer else None

    def _ask(self, method: str, path: str, body: Any = None, form: dict[str, str] | None = None) -> bytes:
        headers = {"Authorization": f"Bearer {self._tokens['access_token']}"} if self._tokens else {}
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
        name, password = self.login
        user = {"name": name, "username": name, "password": password, "language": "en"}
        code = self.post("/api/onboarding/users", {"client_id": self._client_id, **user})["auth_code"]
        form = {"client_id": self._client_id, "grant_type": "authorization_code", "code": code}
        self._tokens = json.loads(self._ask("POST", "/auth/token", form=form))

    def _automation(self, key: str) -> str | None:
        """The entity of the automation with this key, if it runs."""
        automations = self.entities("automation.").values()
        return next((each["entity_id"] for each in automations if each["attributes"].get("id") == key and each["state"] == "on"), None)

    def _is_connected(self) -> bool:
        entries = self.get("/api/config/config_entries/entry")
        return [each["state"] for each in entries if each["domain"] == "mqtt"] == ["loaded"]


def _answers_to(flow: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
    """What a form asks for, with its own defaults where it demands more."""
    asked = {field["name"]: field.get("default") for field in flow["data_schema"]}
    return {name: known.get(name, default) for name, default in asked.items() if name in known or name == "protocol"}


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | {"PYTHONUNBUFFERED": "1"}
