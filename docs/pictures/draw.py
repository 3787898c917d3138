#!/usr/bin/env python3
"""Draws the pictures of this folder from the real thing: a real Home Assistant, and Node-RED, with the bridge and simulated terminals.

README.md tells how. The faces are the simulator's drawings, and the names are made up.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from tests.homeassistant_real.home_assistant import HomeAssistant, until  # noqa: E402
from tests.homeassistant_real.house import House  # noqa: E402
from tests.homeassistant_real.phone import Phone  # noqa: E402
from tests.integration.broker import Broker, BrokerSettings, require_mosquitto  # noqa: E402
from tests.nodered_real.node_red import USER, NodeRed  # noqa: E402

PICTURES = Path(__file__).parent
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
FLAGS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE_MS = 30_000
TERMINALS = {"DEMO0001": "Front door", "DEMO0002": "Car park"}
CONFIGURATION = 'timezone = "UTC"\n' + "".join(f'[devices."{serial}"]\nname = "{name}"\n' for serial, name in TERMINALS.items())
COLOURS = 128  # of a picture: it is small, and nobody sees it
WIDTH = 1120
NOTHING = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGBgAAAABQABh6FO1AAAAABJRU5ErkJggg=="
)  # one clear pixel
SETTLE_MS = 3_000
PICTURE_MS = 1_000
RECOGNITION_S = 120.0


@contextmanager
def home() -> Iterator[tuple[HomeAssistant, House]]:
    """Home Assistant with two terminals, at which somebody rang."""
    with tempfile.TemporaryDirectory() as folder:
        broker = Broker(require_mosquitto(), Path(folder) / "mosquitto")
        broker.start()
        home = HomeAssistant(Path(os.environ["QYZN_HOME_ASSISTANT"]).absolute(), Path(folder) / "homeassistant")
        house = House(home, broker, Path(folder), "qyzn", prefix="DEMO")
        try:
            home.start()
            home.connect(broker.port)
            bridge = house.bridge(CONFIGURATION, "--registration", "approve")
            house.terminals(bridge, "--every", "8", "--ring", "15", "--scan", "45", count=3)  # the third is not approved
            home.wait_for(house.id("image", "call_image"), r"\d{4}-.*")
            home.wait_for(house.id("image", "recognition_image"), r"\d{4}-.*")
            home.call("button.press", house.id("button", "snapshot"))
            home.wait_for(house.id("image", "snapshot_image"), r"\d{4}-.*")
            yield home, house
        finally:
            house.stop()
            home.stop()
            broker.stop()


@contextmanager
def browser(width: int, height: int) -> Iterator[Page]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, "--no-sandbox"])
        page = chromium.new_page(viewport={"width": width, "height": height})
        page.set_default_timeout(PATIENCE_MS)
        page.route("**/brands*/**", lambda route: route.fulfill(content_type="image/png", body=NOTHING))  # logos are on the internet
        yield page
        chromium.close()


def log_in(page: Page, home: HomeAssistant) -> None:
    kept = {"hassTokens": home.login_of_a_browser, "dockedSidebar": '"always_hidden"'}
    page.add_init_script("".join(f"localStorage.setItem({json.dumps(name)}, {json.dumps(value)});" for name, value in kept.items()))


def keep(page: Page, name: str, height: int, left: int = 0, top: int = 0, width: int = WIDTH) -> None:
    """Save a part of what is seen, with so few colours that it is small."""
    path = PICTURES / f"{name}.png"
    page.screenshot(path=path, clip={"x": left, "y": top, "width": width, "height": height})
    with Image.open(path) as picture:
        picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)
    print(f"{path.name}: {path.stat().st_size // 1024} KB")  # noqa: T201


def device_id(home: HomeAssistant, entity_id: str) -> str:
    return home.template(f"{{{{ device_id('{entity_id}') }}}}")


def settle(page: Page) -> None:
    """What moves has come to rest, and pictures are there."""
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(SETTLE_MS)


def draw_devices(page: Page, home: HomeAssistant, house: House) -> None:
    page.goto(f"{home.url}/config/devices/device/{device_id(home, house.id('button', 'open_door'))}")
    page.get_by_text("Doorbell", exact=True).first.wait_for()
    settle(page)
    keep(page, "terminal", 1160)
    page.goto(f"{home.url}/config/devices/device/{device_id(home, 'binary_sensor.qyzn_bridge_connection')}")
    page.get_by_text("Let new terminals in", exact=True).first.wait_for()
    settle(page)
    keep(page, "bridge", 870)


def draw_dashboard(page: Page, home: HomeAssistant, house: House) -> None:
    page.goto(f"{home.url}/front-door/front-door")
    page.get_by_text("Open the door", exact=True).first.wait_for()
    settle(page)
    recognition = house.id("event", "recognition")
    until(lambda: home.wait_for(recognition)["attributes"]["event_type"] == "matched", "somebody who is known", RECOGNITION_S)
    page.wait_for_timeout(PICTURE_MS)
    keep(page, "dashboard", 860)


def draw_blueprint(page: Page, home: HomeAssistant, house: House) -> None:
    phone = Phone(home, "Anna")
    inputs = {
        "doorbell": house.id("event", "doorbell"),
        "phones": [phone.device_id],
        "picture": house.id("image", "call_image"),
        "open_door": house.id("button", "open_door"),
    }
    use = {"path": "qyzn-bridge/ring_notification.yaml", "input": inputs}
    home.automate("ring", {"alias": "Somebody rings at the front door", "use_blueprint": use})
    page.goto(f"{home.url}/config/automation/edit/ring")
    page.get_by_text("Doorbell", exact=True).first.wait_for()
    settle(page)
    keep(page, "blueprint", 1040)
    phone.close()


def draw_home_assistant() -> None:
    with home() as (real, house), browser(WIDTH, 1600) as page:
        log_in(page, real)
        draw_dashboard(page, real, house)
        draw_blueprint(page, real, house)
        draw_devices(page, real, house)


def draw_node_red() -> None:
    with tempfile.TemporaryDirectory() as folder, browser(1500, 900) as page:
        password = secrets.token_urlsafe()
        broker = Broker(require_mosquitto(), Path(folder) / "mosquitto", BrokerSettings({USER: password}))
        broker.start()
        program = NodeRed(Path(os.environ["QYZN_NODE_RED"]).absolute(), Path(folder) / "node-red", broker.port, password, "5")
        try:
            program.start()
            codes = program.home / "qyzn-qrcodes.csv"
            until(codes.exists, "the list")
            with codes.open("a") as file:
                file.write("4711,Jane Doe,,2099-12-31\n")
            page.goto(f"{program.url}/#flow/qyzn-qrcodes")
            page.get_by_text("1 code", exact=False).first.wait_for()
            settle(page)
            box = page.locator("#red-ui-workspace").bounding_box()
            assert box is not None
            keep(page, "node-red", 370, int(box["x"]), int(box["y"]), 960)
        finally:
            program.stop()
            broker.stop()


if __name__ == "__main__":
    draw_home_assistant()
    draw_node_red()
