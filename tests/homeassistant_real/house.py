"""A house: a bridge, its terminals and its automations, with a Home Assistant and a broker that other houses share."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.homeassistant_real.home_assistant import HomeAssistant, until
from tests.integration.bridge_process import Bridge, Program
from tests.integration.broker import LOOPBACK, Broker
from tests.integration.raw_terminal import RawTerminal


@dataclass
class House:
    """Houses are told apart by their names: `name` is the bridge's base topic, and serials begin with it, or with `prefix`."""

    home: HomeAssistant
    broker: Broker
    directory: Path
    name: str
    programs: list[Program] = field(default_factory=list)
    connections: list[RawTerminal] = field(default_factory=list)
    automations: list[str] = field(default_factory=list)
    prefix: str = ""

    def bridge(self, toml: str = "", *options: str, state: str = "state", base_topic: str = "") -> Bridge:
        """Start a bridge of this house, and wait until it is ready."""
        every = ("--registration", "open", "--base-topic", base_topic or self.name, *options)
        bridge = Bridge(self.directory / state, self.broker.url, every, toml=toml)
        self.programs.append(bridge)
        bridge.ready()
        return bridge

    def terminals(self, bridge: Bridge, *options: str, count: int = 1, state: str = "terminals") -> Program:
        """Start simulated terminals of this house; the first is `serial`."""
        where = ("--connect", f"tcp:{LOOPBACK}:{bridge.terminal_port}", "--state-dir", str(self.directory / state))
        which = ("--serial-prefix", self.prefix or self.name, "--count", str(count), "--every", "0")
        terminals = Program(self.directory, "qyzn-terminal", (*where, *which, *options))
        self.programs.append(terminals)
        return terminals

    def terminal(self, bridge: Bridge) -> RawTerminal:
        """Connect `serial` as a terminal that does what the test says, and wait until Home Assistant has it."""
        terminal = self._connect(RawTerminal(bridge.terminal_port, self.serial))
        self.await_entities()
        return terminal

    def terminal_again(self, bridge: Bridge, before: RawTerminal) -> RawTerminal:
        """Connect the same terminal once more, as after an interruption."""
        terminal = self._connect(RawTerminal(bridge.terminal_port, self.serial, uuid=before.uuid, passwd=before.passwd))
        self.await_entities()
        return terminal

    def await_entities(self) -> None:
        """Wait until Home Assistant has the terminal's entities, and follows all of them: they do not come at once."""
        last = ("button", "restart"), ("event", "qrcode"), ("image", "snapshot_image")
        for domain, key in last:
            self.home.wait_for(self.id(domain, key))
        until(lambda: all(each["state"] != "unavailable" for each in self.entities().values()), f"the entities of {self.serial}")

    def _connect(self, terminal: RawTerminal) -> RawTerminal:
        self.connections.append(terminal)
        return terminal.join()

    def automate(self, blueprint: str, **inputs: Any) -> str:
        """Make an automation of one of our blueprints; its entity's id."""
        return self.automation({"use_blueprint": {"path": f"qyzn-bridge/{blueprint}.yaml", "input": inputs}})

    def automation(self, config: dict[str, Any]) -> str:
        """Make an automation; its entity's id."""
        key = f"{self.name}-{len(self.automations)}"
        entity_id = self.home.automate(key, {"alias": key, **config})
        self.automations.append(key)
        return entity_id

    @property
    def serial(self) -> str:
        return f"{self.prefix or self.name}0001"

    def id(self, domain: str, key: str, serial: str | None = None) -> str:
        """An entity id of a terminal's."""
        return f"{domain}.qyzn_{(serial or self.serial).lower()}_{key}"

    def entities(self) -> dict[str, dict[str, Any]]:
        """All of the first terminal's."""
        return self.home.entities(f".qyzn_{self.serial.lower()}_")

    def stop(self) -> None:
        for key in self.automations:
            self.home.forget(key)
        for connection in self.connections:
            connection.close()
        for program in reversed(self.programs):
            if program.is_running:
                program.stop()
