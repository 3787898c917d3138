"""What a terminal is told when nobody answers what it asks: as the configuration says, else as the catalogue does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace

from bridge.catalogue import Answer, Asker, Reply, ReportData
from bridge.catalogue.intercom import DeviceCallParam, DeviceCallParamReply
from bridge.catalogue.qrcode import QrcodeData, QrcodeReply

Flats = Mapping[str, DeviceCallParamReply]
"""Whom to call, by the number that is rung."""


@dataclass(frozen=True, slots=True)
class Defaults:
    """`qrcode_open`: whether a code that nobody judges opens the door."""

    qrcode_open: bool = False
    flats: Flats = field(default_factory=dict)

    def answer(self, data: ReportData, asker: Asker) -> Answer:
        """Nobody was asked, or nobody answered in time."""
        reply = _CONFIGURED.get(type(data), _nothing)(self, data)
        return data.default_answer(asker) if reply is None else data.answer_to(reply, asker)

    def stale(self, data: ReportData, asker: Asker) -> Answer:
        """The report is so old that nothing may come of it: no door opens, nobody is called."""
        if isinstance(data, DeviceCallParam):
            return data.answer_to(DeviceCallParamReply(error="no_answer"), asker)
        return data.default_answer(asker)

    def completed(self, data: ReportData, reply: Reply) -> Reply:
        """A reply with what the flat's entry says beside the people, where the reply does not say it."""
        flat = self._flat(data)
        if not isinstance(reply, DeviceCallParamReply) or flat is None:
            return reply
        return replace(
            reply,
            device_token=reply.device_token or flat.device_token,
            device_name=reply.device_name or flat.device_name,
            max_seconds=reply.max_seconds or flat.max_seconds,
        )

    def _qrcode(self, data: ReportData) -> QrcodeReply | None:
        return QrcodeReply(open=True) if self.qrcode_open else None

    def _flat(self, data: ReportData) -> DeviceCallParamReply | None:
        return self.flats.get(data.call_number or "") if isinstance(data, DeviceCallParam) else None


def _nothing(defaults: Defaults, data: ReportData) -> None:
    return None


_CONFIGURED: dict[type[ReportData], Callable[[Defaults, Any], Reply | None]] = {
    QrcodeData: Defaults._qrcode,
    DeviceCallParam: Defaults._flat,
}
