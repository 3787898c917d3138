"""The page of what can go wrong: the bridge's codes and the terminal's result codes."""

from __future__ import annotations

from bridge.catalogue import Result, result_name
from bridge.mqtt.commands import Code
from bridge.reference.markdown import code, page, table

CODES: dict[Code, str] = {
    "invalid": "A field is wrong, missing or unknown; `error` names it, what was expected and what came. Nothing was sent.",
    "device_unknown": "There is no such terminal, or it was not approved.",
    "device_offline": "The terminal is not connected. The command is not kept for it.",
    "timeout": "The terminal did not answer in time. It may have done it all the same.",
    "expired": "The command was stale (`issued_at` and `ttl`, or the message expiry) before it could be sent, or sent again.",
    "retained": "The command was a retained message. Those are never carried out.",
    "busy": "The terminal is busy, or too many commands wait for it.",
    "duplicate": "The transaction was used for another command. A repeated command is answered as the first was, with `duplicate` true.",
    "forbidden": "The configuration does not allow this command.",
    "rate_limited": "Too many commands that may open a door, for this terminal within ten seconds (`commands.door_per_10_s`); `error` says when to try again,"
    " with another transaction.",
    "unknown_command": "There is no such command.",
    "device_error": "The terminal answered with a result other than 0: `result` is the code, `error` its name.",
    "superseded": "The connection to the terminal was lost, or replaced by a new one, before it answered.",
    "too_large": "The payload is larger than the terminal, or the broker, is sent.",
    "shutting_down": "The bridge is being stopped.",
}
"""What a response's `code` means."""


def results_page() -> str:
    """docs/reference/results.md."""
    return page("Results", _INTRO, [*_bridge_codes(), *_terminal_results()])


_INTRO = ("What the response to a command says of its success: `status` is `ok`, or `error` with a `code`.",)


def _bridge_codes() -> list[str]:
    return ["## code: why a command failed", "", *table(("code", "meaning"), ((code(name), words) for name, words in CODES.items()))]


def _terminal_results() -> list[str]:
    """The table at the end of the vendor's document."""
    rows = ((code(str(each.value)), code(result_name(each.value)), each.words) for each in Result)
    return [
        "## result: what the terminal said",
        "",
        "The table at the end of the vendor's document. For any other code, `error` is `result_<code>`.",
        "",
        *table(("result", "error", "meaning"), rows),
    ]
