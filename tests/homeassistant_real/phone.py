"""A phone with the Home Assistant app: registered as the app registers, it gets what is pushed to it, and tells of what its owner taps."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.homeassistant_real.home_assistant import HomeAssistant, until
from tests.integration.broker import LOOPBACK

Notification = dict[str, Any]


class Phone:
    """One phone; `name` is what its owner calls it. Home Assistant sends notifications to the app's maker, who is here a thread, and calls
    `show` with each."""

    def __init__(self, home: HomeAssistant, name: str, show: Callable[[Notification], object] = lambda _: None) -> None:
        self.notifications: list[Notification] = []
        self._home = home
        self._show = show
        phone = self

        class Push(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                phone._arrived(json.loads(body))
                self.send_response(201)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, format: str, *_: Any) -> None:  # noqa: A002 - http.server's
                pass

        self._server = ThreadingHTTPServer((LOOPBACK, 0), Push)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self._webhook_id = self._register(name)
        service = f"mobile_app_{name.lower().replace(' ', '_')}"
        until(lambda: home.has_action("notify", service), f"notify.{service}")
        self.device_id = home.template(f"{{{{ device_id('device_tracker.{service.removeprefix('mobile_app_')}') }}}}")

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def first(self, wanted: Callable[[Notification], bool] = lambda _: True) -> Notification:
        """The first notification that is `wanted`, arrived already or not."""
        found: Notification = until(lambda: next(filter(wanted, list(self.notifications)), None), "such a notification")
        return found

    def tap(self, action: str) -> None:
        """The owner taps a notification's button, now."""
        event = {"event_type": "mobile_app_notification_action", "event_data": {"action": action}}
        self._home.post(f"/api/webhook/{self._webhook_id}", {"type": "fire_event", "data": event})

    def _register(self, name: str) -> str:
        said = {
            "app_id": "io.homeassistant.companion.android",
            "app_name": "Home Assistant",
            "app_version": "2026.2.1",
            "device_id": name,
            "device_name": name,
            "manufacturer": "Maker",
            "model": "Phone",
            "os_name": "Android",
            "os_version": "16",
            "supports_encryption": False,
            "app_data": {"push_token": name, "push_url": f"http://{LOOPBACK}:{self._server.server_port}/push"},
        }
        webhook_id: str = self._home.post("/api/mobile_app/registrations", said)["webhook_id"]
        return webhook_id

    def _arrived(self, notification: Notification) -> None:
        self.notifications.append(notification)
        self._show(notification)
