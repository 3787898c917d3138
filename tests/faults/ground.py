"""A site to break: broker, bridge, terminals and witness, and the faults that it can be made to have."""

from __future__ import annotations

import signal
import threading
import time
from pathlib import Path
from random import Random

from tests.faults.fleet import Fleet
from tests.faults.recorder import Recorder
from tests.faults.scale import REPLAY_AFTER_S
from tests.faults.tally import Tally, tally
from tests.faults.terminal import Habits
from tests.integration.bridge_process import Bridge
from tests.integration.broker import Broker, BrokerSettings, free_port
from tests.integration.conftest import assert_discreet

SAVE_S = 20.0
SETTLE_S = 60.0  # the link may wait long before it dials again
KEEPS_SESSIONS = BrokerSettings(persistence=True, general_lines=["max_queued_messages 0", "autosave_interval 1"])
"""mosquitto saves each second; it drops nothing that waits for the recorder."""
CLOCK_FILE = "wall"
STEPPED_CLOCK = f"""
import signal, time
_real, _ahead_s = time.time, [0.0]
time.time = lambda: _real() + _ahead_s[0]
signal.signal(signal.SIGUSR1, lambda *_: _ahead_s.__setitem__(0, float(open("{CLOCK_FILE}").read())))
"""
"""Before twistd runs: a clock on the wall that the test sets. The monotonic one goes on, as it does when a real one is set."""


class Ground:
    """A running site. `state_dir` is where the bridge keeps what it must remember, if not beside the rest."""

    def __init__(self, mosquitto: str, directory: Path, seed: str, *, mode: str = "auto", state_dir: Path | None = None) -> None:
        self.random = Random(seed)
        self.seed = seed
        self.broker = Broker(mosquitto, directory / "mosquitto", KEEPS_SESSIONS)
        self.broker.start()
        self.recorder = Recorder(self.broker.port)
        self.bridges: list[Bridge] = []
        self.fleet: Fleet | None = None
        self.pause = threading.Event()
        """Never set: it is waited for."""
        self._saved = directory / "mosquitto" / "mosquitto.db"
        self._directory = directory / "bridge"
        self._state_dir = state_dir
        self._port = free_port()
        self._toml = f'[outbox]\nmode = "{mode}"\n[events]\nreplay_after_s = {REPLAY_AFTER_S}\n[registration]\npolicy = "open"\n'
        self.start_bridge()

    @property
    def bridge(self) -> Bridge:
        return self.bridges[-1]

    def start_bridge(self) -> None:
        """Another run of it, which ends when it is killed or the test is over."""
        where = ["--state-dir", str(self._state_dir)] if self._state_dir else []
        bridge = Bridge(self._directory, self.broker.url, where, toml=self._toml, prelude=STEPPED_CLOCK, terminal_port=self._port)
        self.bridges.append(bridge)
        bridge.ready()

    def populate(self, count: int, habits: Habits | None = None) -> Fleet:
        """Let terminals connect."""
        self.fleet = Fleet(self._port, count, self.seed, habits)
        self.fleet.start()
        return self.fleet

    def await_save(self) -> None:
        """Wait until the broker has saved who subscribes to what: killed before that, it has no subscriber to forget anything for."""
        ends_at = time.monotonic() + SAVE_S
        while not self._saved.exists():
            assert time.monotonic() < ends_at, "the broker does not save"
            self.pause.wait(0.05)

    def wait(self, least_s: float, most_s: float) -> None:
        """A random while."""
        self.pause.wait(self.random.uniform(least_s, most_s))

    def reckon(self, fault: str, times: int) -> Tally:
        """Let everything come to rest, and see what came of it. Fails when terminals are left without an answer."""
        assert self.fleet is not None
        self.recorder.be_here()
        last = self.fleet.finish()
        assert self.fleet.is_answered(SETTLE_S), f"records are left without an answer, seed {self.seed}:\n{self.bridge.log[-3000:]}"
        assert self.recorder.has_seen(last, SETTLE_S), f"events stay in the bridge, seed {self.seed}:\n{self.bridge.log[-3000:]}"
        assert not [refusal for terminal in self.fleet.terminals for refusal in terminal.refusals]
        return tally(fault, times, self.fleet, list(self.recorder.sights))

    def end(self) -> None:
        """Stop everything, and see that nothing was said that should not be."""
        try:
            if self.fleet is not None:
                self.fleet.stop()
            self.bridge.stop()
            for bridge in self.bridges:
                assert_discreet(bridge)
        finally:
            if self.bridge.is_running:
                self.bridge.kill()
            self.recorder.close()
            self.broker.stop()

    # Faults: each ends with everything as it should be.

    def kill_bridge(self) -> None:
        self.bridge.kill()
        self.wait(0.0, 1.0)
        self.start_bridge()

    def restart_bridge(self) -> None:
        """As an operator does."""
        self.bridge.stop()
        self.start_bridge()

    def kill_bridge_while_broker_frozen(self) -> None:
        """Events are on their way, and nobody has acknowledged them."""
        self.broker.freeze()
        self.wait(0.1, 6.0)
        self.bridge.kill()
        self.broker.thaw()
        self.start_bridge()

    def stop_broker(self) -> None:
        self.broker.stop()
        self.wait(0.2, 3.0)
        self.broker.start()

    def kill_broker(self) -> None:
        self.broker.kill()
        self.wait(0.0, 1.0)
        self.broker.start()

    def kill_broker_that_keeps_messages(self) -> None:
        """Nobody but the broker has them: the recorder is away."""
        self.recorder.go()
        self.wait(0.5, 2.5)
        self.kill_broker()
        self.recorder.come()

    def kill_both(self) -> None:
        """As a machine does that they share, when its power fails."""
        self.broker.kill()
        self.bridge.kill()
        self.wait(0.0, 1.0)
        self.broker.start()
        self.start_bridge()

    def freeze_broker(self) -> None:
        self.broker.freeze()
        self.wait(0.2, 8.0)  # the bridge waits 5 s for a PUBACK
        self.broker.thaw()

    def cut_sockets(self) -> None:
        assert self.fleet is not None
        self.fleet.cut(self.random, self.random.uniform(0.1, 1.0))

    def step_clock(self) -> None:
        """While the broker is away, half of the time."""
        is_away = self.random.random() < 0.5
        if is_away:
            self.broker.stop()
            self.wait(0.5, 6.0)
        ahead_s = self.random.choice([40, 3600, 86_400, -40, -3600, -86_400, 0])
        (self._directory / CLOCK_FILE).write_text(str(ahead_s))
        self.bridge.signal(signal.SIGUSR1)
        if is_away:
            self.wait(0.5, 2.0)
            self.broker.start()

    def anything(self) -> None:
        """Several at once."""
        self.random.choice(
            [
                self.restart_bridge,
                self.kill_bridge,
                self.stop_broker,
                self.freeze_broker,
                self._kill_while_away,
                self.kill_bridge_while_broker_frozen,
            ]
        )()
        self.cut_sockets()

    def anything_with_a_killed_broker(self) -> None:
        """Several at once, and what a broker that is killed forgets."""
        self.random.choice([self.anything, self.kill_broker, self.kill_broker_that_keeps_messages, self.kill_both])()
        self.cut_sockets()

    def _kill_while_away(self) -> None:
        self.broker.stop()
        self.wait(0.2, 2.0)
        self.kill_bridge()
        self.wait(0.0, 1.0)
        self.broker.start()
