"""The names of entities, in English and Chinese. Those of configuration fields stand in the catalogue."""

from __future__ import annotations

from typing import Literal

Language = Literal["en", "zh"]

_WORDS: dict[str, tuple[str, str]] = {
    # A terminal.
    "doorbell": ("Doorbell", "门铃"),
    "recognition": ("Recognition", "识别"),
    "qrcode": ("QR code", "二维码"),
    "recognition_image": ("Last recognition", "最近识别"),
    "call_image": ("Last caller", "最近访客"),
    "snapshot_image": ("Last snapshot", "最近抓拍"),
    "open_door": ("Open door", "开门"),
    "lock": ("Door lock", "门锁"),
    "restart": ("Restart", "重启"),
    "snapshot": ("Take a snapshot", "抓拍"),
    "connection": ("Connection", "连接"),
    "last_seen": ("Last seen", "最近在线"),
    "firmware": ("Firmware", "固件版本"),
    "address": ("Address", "网络地址"),
    "people": ("People", "人员数量"),
    "body_temperature": ("Body temperature", "体温"),
    # The bridge.
    "bridge": ("QYZN bridge", "QYZN 网桥"),
    "terminals_online": ("Terminals online", "在线终端"),
    "terminals_pending": ("Terminals waiting for approval", "待批准终端"),
    "outbox": ("Events waiting for the broker", "待发送事件"),
    "version": ("Version", "版本"),
    "permit_join": ("Let new terminals in", "允许新终端加入"),
}


def word(key: str, language: Language) -> str:
    """What a component, or the bridge, is called."""
    en, zh = _WORDS[key]
    return zh if language == "zh" else en
