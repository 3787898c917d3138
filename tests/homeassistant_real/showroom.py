"""A Home Assistant to look at: `python -m tests.homeassistant_real.showroom`. Three simulated doors ring, and everything of
`etc/homeassistant` is set up for the first: the dashboard, and an automation of each blueprint.

It says where a browser finds it and who may log in, shows what a phone would show, and ends with Ctrl-C. `QYZN_HOME_ASSISTANT` names the
virtual environment that scripts/install-homeassistant made.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.homeassistant_real.home_assistant import HomeAssistant
from tests.homeassistant_real.house import House
from tests.homeassistant_real.phone import Notification, Phone
from tests.integration.broker import Broker, require_mosquitto

VENV = "QYZN_HOME_ASSISTANT"
NAMES = ("Front door", "Garage", "Office")
CONFIG = "\n".join(f'[devices."DEMO000{number}"]\nname = "{name}"' for number, name in enumerate(NAMES, 1))
BUSY = ("--every", "7", "--ring", "20", "--scan", "15")


@contextmanager
def showroom(venv: Path, directory: Path, show: Callable[[Notification], object] = lambda _: None) -> Iterator[tuple[House, Phone]]:
    """All of it, in processes that end with the block: `house.home.url` is for browsers, with `house.home.login`, or with
    `house.home.login_of_a_browser` where no form is to be filled in. `show` is called with what the phone shows."""
    broker = Broker(require_mosquitto(), directory / "mosquitto")
    home = HomeAssistant(venv, directory / "homeassistant")
    house = House(home, broker, directory, "qyzn", prefix="DEMO")
    phone = None
    try:
        broker.start()
        home.start()
        home.connect(broker.port)
        phone = Phone(home, "My phone", show)
        house.terminals(house.bridge(CONFIG), *BUSY, count=len(NAMES))
        home.wait_for(house.id("number", "volume"), "7")
        automate(house, phone)
        yield house, phone
    finally:
        for program in house.programs:
            program.kill()
        home.stop()
        broker.stop()
        if phone is not None:
            phone.close()


def automate(house: House, phone: Phone) -> None:
    """One automation of each blueprint, for the first door."""
    recognition, open_door = house.id("event", "recognition"), house.id("button", "open_door")
    pictured: dict[str, Any] = {"phones": [phone.device_id]}
    house.automate(
        "ring_notification",
        doorbell=house.id("event", "doorbell"),
        picture=house.id("image", "call_image"),
        open_door=open_door,
        **pictured,
    )
    house.automate("open_in_office_hours", recognition=recognition, open_door=open_door)
    house.automate("alarm_on_blacklist", recognition=recognition, picture=house.id("image", "recognition_image"), **pictured)
    house.automate("qr_code_check", qrcode=house.id("event", "qrcode"), codes=["4711"])
    greeting = {"action": "persistent_notification.create", "data": {"message": "{{ person_name }} is at the {{ door }}."}}
    house.automate("when_recognised", recognition=[recognition], actions=[greeting])


def main() -> None:
    """Until Ctrl-C, or SIGTERM."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    with (
        suppress(KeyboardInterrupt),
        tempfile.TemporaryDirectory() as directory,
        showroom(Path(os.environ[VENV]).absolute(), Path(directory), tell) as (house, _),
    ):
        name, password = house.home.login
        say(f"{house.home.url} shows it; log in as {name} with {password}")
        signal.pause()


def tell(notification: Notification) -> None:
    said = {part: value for part, value in notification.items() if part in ("title", "message", "data")}
    say(f"the phone shows {json.dumps(said, ensure_ascii=False)}")


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
