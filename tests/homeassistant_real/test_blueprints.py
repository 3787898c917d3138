"""The blueprints of `etc/homeassistant`, as automations of a real Home Assistant: what follows from what happens at a terminal.

That nothing follows is seen from what is asked for afterwards, on the same way: it would have come before.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.homeassistant_real.home_assistant import until
from tests.homeassistant_real.house import House
from tests.homeassistant_real.phone import Notification, Phone
from tests.integration.mqtt_watcher import MqttWatcher
from tests.integration.raw_terminal import JPEG, PERSON, RawTerminal, recognition

Watch = Callable[[str], MqttWatcher]

WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
OTHER_JPEG = JPEG[:-2] + b"\x00\xff\xd9"
ASK = '[answers]\nrecognition = "ask"\ntimeout_s = 1\n'
PATIENT = "[answers]\ntimeout_s = 10\n"


def ring(terminal: RawTerminal, flat: str = "304", picture: bytes = JPEG) -> None:
    data = {"callNo": flat, "callRequestId": "call-1", "picture": base64.b64encode(picture).decode()}
    terminal.request("device_call_param", data, version=5)


def scan(terminal: RawTerminal, content: str) -> int:
    """Whether a code opens the door."""
    opens: int = terminal.ask("qrcode_data", {"content": content})["data"]["opendoor"]
    return opens


def clock(hours_from_now: int) -> str:
    """A time of day in Home Assistant's zone."""
    return (datetime.now(UTC) + timedelta(hours=hours_from_now)).strftime("%H:%M:%S")


def ringing(house: House, **inputs: Any) -> str:
    """An automation for the terminal's rings."""
    known = {
        "doorbell": house.id("event", "doorbell"),
        "picture": house.id("image", "call_image"),
        "open_door": house.id("button", "open_door"),
    }
    return house.automate("ring_notification", **known | inputs)


def button(notification: Notification) -> str | None:
    """What a tap on it is called."""
    actions = notification["data"].get("actions")
    return str(actions[0]["action"]) if actions else None


def telling(house: House, what: str) -> list[dict[str, Any]]:
    """Actions that tell of themselves on `<house>/told`: what a template makes."""
    return [{"action": "mqtt.publish", "data": {"topic": f"{house.name}/told", "payload": what}}]


def told(watcher: MqttWatcher, house: House) -> list[str]:
    return [each.payload.decode() for each in watcher.on(f"{house.name}/told")]


def only_pressed(house: House, terminal: RawTerminal, watcher: MqttWatcher, before: int = 0) -> None:
    """The door was told to open so often, and now once more, by hand: by nothing else."""
    house.home.call("button.press", house.id("button", "open_door"))
    until(lambda: len(watcher.on(commands(house))) > before, "the press")
    terminal.respond(terminal.command())
    until(lambda: len(watcher.on(f"{house.name}/{house.serial}/response/open_door")) > before, "its response")
    assert len(watcher.on(commands(house))) == before + 1


def commands(house: House) -> str:
    return f"{house.name}/{house.serial}/command/open_door"


class TestRing:
    def test_it_is_shown_and_a_tap_opens_the_door_once(self, house: House, phone: Phone, watch: Watch) -> None:
        watcher = watch(house.name)
        terminal = house.terminal(house.bridge())
        ringing(house, phones=[phone.device_id])
        ring(terminal)
        shown = phone.first()
        assert (shown["title"], shown["message"]) == (house.serial, "Somebody rings for 304.")
        assert house.home.picture(shown["data"]["image"]) == JPEG
        assert house.home.is_refused_to_strangers(shown["data"]["image"])
        (action,) = shown["data"]["actions"]
        assert (action["title"], action["authenticationRequired"]) == ("Open the door", True)

        phone.tap(action["action"])
        asked = terminal.command()
        assert asked.body["message"] == "open_door"
        terminal.respond(asked)
        command = watcher.first(commands(house)).json
        assert abs(datetime.now(UTC) - datetime.fromisoformat(command["issued_at"])) < timedelta(seconds=10)
        after = phone.first(lambda each: "told" in each["message"])
        assert (after["data"]["tag"], button(after), after["data"]["alert_once"]) == (shown["data"]["tag"], None, True)

        phone.tap(action["action"])
        only_pressed(house, terminal, watcher, before=1)

    def test_a_tap_that_comes_late_opens_nothing(self, house: House, phone: Phone, watch: Watch) -> None:
        watcher = watch(house.name)
        terminal = house.terminal(house.bridge())
        ringing(house, phones=[phone.device_id], open_for=1)
        ring(terminal)
        action = button(phone.first())
        assert action is not None
        quiet = phone.first(lambda each: button(each) is None)
        assert (quiet["message"], quiet["data"]["push"]["interruption-level"]) == ("Somebody rings for 304.", "passive")
        phone.tap(action)
        only_pressed(house, terminal, watcher)

    def test_a_tap_on_the_ring_before_opens_nothing(self, house: House, phone: Phone, watch: Watch) -> None:
        watcher = watch(house.name)
        terminal = house.terminal(house.bridge())
        ringing(house, phones=[phone.device_id])
        ring(terminal, "304")
        first = phone.first()
        ring(terminal, "305")
        second = phone.first(lambda each: "305" in each["message"])
        assert first["data"]["tag"] == second["data"]["tag"], "the second takes the place of the first"
        phone.tap(str(button(first)))
        only_pressed(house, terminal, watcher)
        phone.tap(str(button(second)))
        terminal.respond(terminal.command())
        only_pressed(house, terminal, watcher, before=2)

    def test_a_tap_while_the_terminal_is_away_opens_nothing_later(self, house: House, phone: Phone, watch: Watch) -> None:
        watcher = watch(house.name)
        bridge = house.bridge()
        terminal = house.terminal(bridge)
        ringing(house, phones=[phone.device_id])
        ring(terminal)
        shown = phone.first()
        terminal.close()
        house.home.wait_for(house.id("button", "open_door"), "unavailable")
        phone.tap(str(button(shown)))
        phone.first(lambda each: "stays shut" in each["message"])
        again = house.terminal_again(bridge, terminal)
        only_pressed(house, again, watcher)

    def test_a_ring_without_a_picture_shows_nobody_elses(self, house: House, phone: Phone) -> None:
        terminal = house.terminal(house.bridge())
        ringing(house, phones=[phone.device_id])
        ring(terminal, "304")
        assert "image" in phone.first()["data"]
        ring(terminal, "305", picture=b"")
        assert "image" not in phone.first(lambda each: "305" in each["message"])["data"]
        ring(terminal, "306", picture=OTHER_JPEG)
        shown = phone.first(lambda each: "306" in each["message"])
        assert house.home.picture(shown["data"]["image"]) == OTHER_JPEG

    def test_a_call_that_is_over_at_once_changes_nothing_of_its_ring(self, house: House, phone: Phone, watch: Watch) -> None:
        """Its event takes the place of the ring's in the entity while the notification before is still being ended."""
        watcher = watch(house.name)
        terminal = house.terminal(house.bridge())
        ringing(house, phones=[phone.device_id])
        ring(terminal, "0")
        assert phone.first()["message"] == "Somebody rings for 0."
        topic = f"{house.name}/{house.serial}/event/call"
        event = watcher.first(topic).json
        for flat in ("1", "2", "3", "4"):
            now = {"received_at": datetime.now(UTC).isoformat()}
            watcher.publish_later(topic, event | now | {"event_id": f"ring {flat}", "call_number": flat})
            over = {"event_id": f"over {flat}", "event_type": "hung_up", "call_number": "another", "image": None}
            watcher.publish_later(topic, event | now | over)
            shown = phone.first(lambda each, flat=flat: f"for {flat}." in each["message"])  # type: ignore[misc]
            assert "image" in shown["data"]

    def test_it_does_without_phones_and_does_something_else(self, house: House, watch: Watch) -> None:
        watcher = watch(house.name)
        terminal = house.terminal(house.bridge())
        screen = {
            "command_topic": f"{house.name}/screen",
            "name": None,
            "unique_id": house.name,
            "default_entity_id": f"notify.{house.name}",
        }
        watcher.publish(f"homeassistant/notify/{house.name}/config", screen, retain=True)
        house.home.wait_for(f"notify.{house.name.lower()}", "unknown")
        chime = telling(house, "{{ door }} {{ flat }}")
        house.automate(
            "ring_notification", doorbell=house.id("event", "doorbell"), notify_entities=[f"notify.{house.name.lower()}"], also=chime
        )
        ring(terminal)
        assert watcher.first(f"{house.name}/screen").payload == b"Somebody rings for 304."
        assert watcher.first(f"{house.name}/told").payload.decode() == f"{house.serial} 304"
        watcher.publish(f"homeassistant/notify/{house.name}/config", b"", retain=True)
        until(lambda: house.home.state(f"notify.{house.name.lower()}") is None, "the end of the screen")

    def test_interruptions_ring_nobody_and_it_works_after_them(self, house: House, phone: Phone) -> None:
        bridge = house.bridge()
        terminal = house.terminal(bridge)
        automation = ringing(house, phones=[phone.device_id], open_door=[])
        ring(terminal, "304")
        phone.first()
        doorbell = house.id("event", "doorbell")

        terminal.close()
        house.home.wait_for(doorbell, "unavailable")
        terminal = house.terminal_again(bridge, terminal)
        house.home.restart()
        house.home.wait_for(doorbell, r"\d{4}-.*")
        bridge.stop()
        house.home.wait_for(doorbell, "unavailable")
        bridge = house.bridge()
        terminal = house.terminal_again(bridge, terminal)
        house.home.wait_for(automation, "on")

        ring(terminal, "305")
        phone.first(lambda each: "305" in each["message"])
        assert ["304" in each["message"] for each in phone.notifications] == [True, False]

    def test_how_a_call_went_is_no_ring(self, house: House, phone: Phone) -> None:
        terminal = house.terminal(house.bridge())
        ringing(house, phones=[phone.device_id])
        record = {"userId": "1", "callResult": 5, "callType": 1, "openStatus": 0}
        terminal.ask("device_call_result", {"callNo": "303", "callRequestId": "call-0", "callRecords": [record]})
        house.home.wait_for(house.id("event", "doorbell"), r"\d{4}-.*")
        ring(terminal, "304")
        phone.first(lambda each: "304" in each["message"])
        assert len(phone.notifications) == 1


class TestOfficeHours:
    def opening(self, house: House, **inputs: Any) -> None:
        known = {"recognition": house.id("event", "recognition"), "open_door": house.id("button", "open_door")}
        always = {"after": clock(-1), "before": clock(1), "weekdays": list(WEEK), "opened": telling(house, "{{ person_name }}")}
        house.automate("open_in_office_hours", **known | always | inputs)

    def test_somebody_known_is_let_in_by_the_button(self, house: House, watch: Watch) -> None:
        watcher = watch(house.name)
        terminal = house.terminal(house.bridge())
        self.opening(house, people=[PERSON["personId"], "Somebody else"])
        terminal.ask("snapshot_face", recognition())
        asked = terminal.command()
        assert asked.body["message"] == "open_door"
        terminal.respond(asked)
        assert watcher.first(f"{house.name}/told").payload.decode() == PERSON["fullName"]
        only_pressed(house, terminal, watcher, before=1)

    def test_nobody_else_and_never_else(self, house: House, watch: Watch) -> None:
        watcher = watch(house.name)
        terminal = house.terminal(house.bridge())
        today = datetime.now(UTC).weekday()
        self.opening(house, after=clock(1), before=clock(2))
        self.opening(house, weekdays=[WEEK[(today + 2) % 7], WEEK[(today + 3) % 7]])
        self.opening(house, people=["Somebody else", "5907"])
        event = f"{house.name}/{house.serial}/event/recognition"
        terminal.ask("snapshot_face", recognition())
        matched = watcher.first(event).json
        self.opening(house)  # it is left with what follows
        others: list[dict[str, Any]] = [{"result": 0}, {"type": 2}, {"result": 2}, {"result": 3}]
        for changes in others:
            terminal.ask("snapshot_face", recognition(**changes))
        terminal.ask("snapshot_face", recognition(snaptime=time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(time.time() - 60))))
        watcher.first(f"{house.name}/{house.serial}/event_replay/recognition")
        old = datetime.now(UTC) - timedelta(seconds=20)
        watcher.publish(event, matched | {"event_id": "late", "received_at": old.isoformat()})
        watcher.publish(event, matched | {"event_id": "again", "replay": True})
        until(lambda: house.home.wait_for(house.id("event", "recognition"))["attributes"]["event_id"] == "again", "the last of them")
        only_pressed(house, terminal, watcher)
        assert told(watcher, house) == []

    def test_a_copy_lets_nobody_in(self, house: House, watch: Watch) -> None:
        watcher = watch(house.name)
        terminal = house.terminal(house.bridge())
        self.opening(house)
        terminal.ask("snapshot_face", recognition())
        terminal.respond(terminal.command())
        event = f"{house.name}/{house.serial}/event/recognition"
        watcher.publish(event, watcher.first(event).payload)
        until(lambda: len(watcher.on(event)) == 2, "the copy")
        only_pressed(house, terminal, watcher, before=1)

    def test_a_terminal_that_asks_hears_yes_and_no(self, house: House, watch: Watch) -> None:
        watcher = watch(house.name)
        terminal = house.terminal(house.bridge(ASK))
        self.opening(house, people=[PERSON["fullName"], 4711])
        assert terminal.ask("snapshot_face", recognition())["data"]["opendoor"] == 1
        assert terminal.ask("snapshot_face", recognition(personId="2", fullName="Jane", icNum="4711"))["data"]["opendoor"] == 1
        assert terminal.ask("snapshot_face", recognition(personId="2", fullName="Jane", icNum="4712"))["data"]["opendoor"] == 0
        assert "opendoor" not in terminal.ask("snapshot_face", recognition(result=0))["data"], "it is left to the terminal"
        assert told(watcher, house) == [PERSON["fullName"], "Jane"]
        only_pressed(house, terminal, watcher)

    def test_a_terminal_that_asks_at_another_time_hears_no(self, house: House) -> None:
        terminal = house.terminal(house.bridge(ASK))
        self.opening(house, after=clock(1), before=clock(2))
        assert terminal.ask("snapshot_face", recognition())["data"]["opendoor"] == 0

    def test_a_night_belongs_to_the_day_on_which_it_began(self, house: House) -> None:
        terminal = house.terminal(house.bridge(ASK))
        today = datetime.now(UTC).weekday()
        night = {"after": "23:59:59", "before": "23:59:58", "refuse": False}
        self.opening(house, **night, weekdays=[WEEK[today]], people=["of today"])
        self.opening(house, **night, weekdays=[WEEK[today - 1]], people=["of yesterday"])
        assert "opendoor" not in terminal.ask("snapshot_face", recognition(personId="of today"))["data"], "its night has not begun"
        assert terminal.ask("snapshot_face", recognition(personId="of yesterday"))["data"]["opendoor"] == 1

    def test_several_automations_may_decide(self, house: House) -> None:
        terminal = house.terminal(house.bridge(ASK))
        self.opening(house, after=clock(1), before=clock(2), refuse=False)
        self.opening(house, people=["2"], refuse=False)
        assert terminal.ask("snapshot_face", recognition(personId="2"))["data"]["opendoor"] == 1
        assert "opendoor" not in terminal.ask("snapshot_face", recognition(personId="3"))["data"]


class TestBlacklist:
    def test_it_sounds_the_alarm_and_is_quiet_for_a_while(self, house: House, phone: Phone, watch: Watch) -> None:
        watcher = watch(house.name)
        terminal = house.terminal(house.bridge())
        inputs = {
            "recognition": house.id("event", "recognition"),
            "picture": house.id("image", "recognition_image"),
            "phones": [phone.device_id],
            "alarm": telling(house, "{{ door }} {{ person_name }} {{ person_id }}"),
        }
        automation = house.automate("alarm_on_blacklist", loud=True, quiet_for=3, **inputs)
        terminal.ask("snapshot_face", recognition())
        terminal.ask("snapshot_face", recognition(type=2, personId="66", fullName="Mallory"))
        shown = phone.first()
        assert (shown["title"], shown["message"]) == (house.serial, "Mallory is on the black list.")
        assert house.home.picture(shown["data"]["image"]) == JPEG
        assert (shown["data"]["channel"], shown["data"]["push"]["sound"]["critical"]) == ("alarm_stream", 1)
        assert watcher.first(f"{house.name}/told").payload.decode() == f"{house.serial} Mallory 66"

        terminal.ask("snapshot_face", recognition(type=2, fullName="Mallory still"))
        until(lambda: house.home.wait_for(automation)["attributes"]["current"] == 0, "the end of the quiet")
        terminal.ask("snapshot_face", recognition(type=2, fullName="Eve"))
        phone.first(lambda each: "Eve" in each["message"])
        assert [each["message"].split()[0] for each in phone.notifications] == ["Mallory", "Eve"]


class TestQrCodes:
    def test_the_codes_on_the_list_open_the_door(self, house: House, watch: Watch) -> None:
        watcher = watch(house.name)
        terminal = house.terminal(house.bridge(PATIENT))
        tell = {"accepted": telling(house, "yes {{ door }} {{ code }}"), "refused": telling(house, "no {{ code }}")}
        house.automate("qr_code_check", qrcode=house.id("event", "qrcode"), codes=["4711", "0042", "tür 1", 99], **tell)
        began = time.monotonic()
        codes = ["4711", "0042", "tür 1", "99", "42", "471", "4711 ", "TÜR 1", "", "['4711']", "{{ 4711 }}"]
        assert [scan(terminal, code) for code in codes] == [1] * 4 + [0] * 7
        assert time.monotonic() - began < 9, "an answer was not given, but waited out"
        until(lambda: len(told(watcher, house)) == len(codes), "what was told")
        assert told(watcher, house)[:5] == [*(f"yes {house.serial} {code}" for code in codes[:4]), "no 42"]
        assert not [each for each in watcher.on(f"{house.name}/bridge/event") if each.json["type"] == "answer_late"]

    def test_codes_of_a_todo_list_open_it_until_they_are_due(self, house: House) -> None:
        terminal = house.terminal(house.bridge(PATIENT))
        todo = self.todo_list(house)
        today = datetime.now(UTC)
        for code, due in {"today": today, "tomorrow": today + timedelta(days=1), "past": today - timedelta(days=1)}.items():
            house.home.call("todo.add_item", todo, item=code, due_date=due.date().isoformat())
        for code, due in {"hour": today + timedelta(hours=1), "gone": today - timedelta(minutes=1)}.items():
            house.home.call("todo.add_item", todo, item=code, due_datetime=due.isoformat())
        house.home.call("todo.add_item", todo, item="always")
        house.home.call("todo.add_item", todo, item="done")
        house.home.call("todo.update_item", todo, item="done", status="completed")
        house.automate("qr_code_check", qrcode=house.id("event", "qrcode"), codes=["4711"], todo_list=todo)
        opened = {code: scan(terminal, code) for code in ("today", "tomorrow", "hour", "always", "4711", "past", "gone", "done", "other")}
        assert [code for code, opens in opened.items() if opens] == ["today", "tomorrow", "hour", "always", "4711"]
        assert scan(terminal, "always") == 1

    def test_a_todo_list_may_number_its_items(self, house: House) -> None:
        """As some calendars do: a text of digits is a number for templates."""
        terminal = house.terminal(house.bridge(PATIENT))
        item = "BEGIN:VTODO\r\nUID:20261124\r\nDTSTAMP:20261124T000000Z\r\nSUMMARY:guest\r\nSTATUS:NEEDS-ACTION\r\nEND:VTODO\r\n"
        calendar = f"BEGIN:VCALENDAR\r\nPRODID:-//test\r\nVERSION:2.0\r\n{item}END:VCALENDAR\r\n"
        house.home.write(f".storage/local_todo.{house.name.lower()}.ics", calendar)
        todo = self.todo_list(house, "1")
        house.automate("qr_code_check", qrcode=house.id("event", "qrcode"), todo_list=todo, once=True)
        assert [scan(terminal, code) for code in ("guest", "guest")] == [1, 0]

    def test_a_code_of_a_todo_list_opens_it_once(self, house: House) -> None:
        terminal = house.terminal(house.bridge(PATIENT))
        todo = self.todo_list(house)
        house.home.call("todo.add_item", todo, item="guest")
        house.home.call("todo.add_item", todo, item="other guest")
        house.automate("qr_code_check", qrcode=house.id("event", "qrcode"), todo_list=todo, codes=["4711"], once=True)
        assert [scan(terminal, code) for code in ("guest", "guest", "4711", "4711", "other guest")] == [1, 0, 1, 1, 1]
        house.home.wait_for(todo, "0")

    def test_a_todo_list_that_is_gone_opens_nothing_and_keeps_nobody_waiting(self, house: House) -> None:
        terminal = house.terminal(house.bridge(PATIENT))
        todo = self.todo_list(house)
        house.automate("qr_code_check", qrcode=house.id("event", "qrcode"), codes=["4711"], todo_list=todo)
        house.home.call("todo.add_item", todo, item="guest")
        assert scan(terminal, "guest") == 1
        house.home.remove_integration("local_todo", house.name)
        until(lambda: house.home.state(todo) is None, "the end of the list")
        began = time.monotonic()
        assert [scan(terminal, code) for code in ("4711", "guest")] == [1, 0]
        assert time.monotonic() - began < 5, "it was waited out"

    def test_others_may_decide_and_what_is_late_is_not_answered(self, house: House, watch: Watch) -> None:
        watcher = watch(house.name)
        terminal = house.terminal(house.bridge("[answers]\ntimeout_s = 1\nqrcode_default_open = true\n"))
        house.automate("qr_code_check", qrcode=house.id("event", "qrcode"), codes=["4711"], refuse=False)
        assert scan(terminal, "4712") == 1, "by the configuration's default"
        event = watcher.first(f"{house.name}/{house.serial}/event/qrcode").json
        topic = f"{house.name}/{house.serial}/event/qrcode"
        watcher.publish(topic, event | {"content": "4711"})
        watcher.publish(topic, {name: value for name, value in event.items() if not name.startswith("answer")} | {"content": "4711"})
        until(lambda: len(watcher.on(topic)) == 3, "all of them")
        assert scan(terminal, "4711") == 1
        answers = until(lambda: watcher.on(f"{house.name}/{house.serial}/answer/qrcode"), "the answer, which the bridge may have had first")
        assert [each.json["event_id"] for each in answers] == [watcher.on(topic)[-1].json["event_id"]]

    def todo_list(self, house: House, shows: str = "0") -> str:
        house.home.add_integration("local_todo", todo_list_name=house.name)
        todo = f"todo.{house.name.lower()}"
        house.home.wait_for(todo, shows)
        return todo


class TestRecognised:
    def test_certain_people_start_something(self, house: House, watch: Watch) -> None:
        watcher = watch(house.name)
        terminal = house.terminal(house.bridge())
        inputs = {"recognition": [house.id("event", "recognition")], "people": ["7301947756", "Jane"], "outcomes": ["matched", "expired"]}
        automation = house.automate("when_recognised", actions=telling(house, "{{ outcome }} {{ person_name }} {{ door }}"), **inputs)
        terminal.ask("snapshot_face", recognition())
        terminal.ask("snapshot_face", recognition(personId="2", fullName="Joe", icNum=""))
        terminal.ask("snapshot_face", recognition(personId="3", fullName="Jane", result=3))
        terminal.ask("snapshot_face", recognition(personId="3", fullName="Jane", result=2))
        until(lambda: len(told(watcher, house)) >= 2, "what was told")
        assert told(watcher, house) == [f"matched {PERSON['fullName']} {house.serial}", f"expired Jane {house.serial}"]
        house.home.call("automation.trigger", automation)
        until(lambda: len(told(watcher, house)) >= 3, "what was told by hand")

    def test_nobody_is_missed_when_many_come_at_once(self, house: House, watch: Watch) -> None:
        """As after a pause of the broker. Home Assistant tells the times of events by the millisecond, and several have the same."""
        watcher = watch(house.name)
        terminal = house.terminal(house.bridge())
        house.automate(
            "when_recognised", recognition=[house.id("event", "recognition")], actions=telling(house, "{{ person_id }}"), people=["Many"]
        )
        terminal.ask("snapshot_face", recognition())
        topic = f"{house.name}/{house.serial}/event/recognition"
        event = watcher.first(topic).json
        for number in range(50):
            watcher.publish_later(topic, event | {"event_id": f"many {number}", "person_id": str(number), "person_name": "Many"})
        until(lambda: len(told(watcher, house)) >= 50, "all of them")
        assert told(watcher, house) == [str(number) for number in range(50)]


def test_device_triggers_and_tags_start_automations(house: House, watch: Watch) -> None:
    watcher = watch(house.name)
    terminal = house.terminal(house.bridge("[homeassistant]\ntags = true\n"))
    device = house.home.template(f"{{{{ device_id('{house.id('button', 'open_door')}') }}}}")
    for kind, subtype in (("ring", "doorbell"), ("matched", "recognition"), ("unmatched", "recognition")):
        trigger = {"trigger": "device", "domain": "mqtt", "device_id": device, "type": kind, "subtype": subtype}
        house.automation({"triggers": [trigger], "actions": telling(house, f"{kind} {{{{ trigger.payload_json.device_id }}}}")})
    card = {"trigger": "tag", "tag_id": PERSON["icNum"]}
    code = {"trigger": "tag", "tag_id": "4711", "device_id": device}
    house.automation({"triggers": [card], "actions": telling(house, "card {{ trigger.event.data.device_id }}")})
    house.automation({"triggers": [code], "actions": telling(house, "code {{ trigger.event.data.tag_id }}")})
    ring(terminal)
    terminal.ask("snapshot_face", recognition())
    terminal.ask("qrcode_data", {"content": "4712"})
    terminal.ask("qrcode_data", {"content": "4711"})
    until(lambda: len(told(watcher, house)) >= 4, "what was told")
    assert sorted(told(watcher, house)) == sorted([f"ring {house.serial}", f"matched {house.serial}", f"card {device}", "code 4711"])
