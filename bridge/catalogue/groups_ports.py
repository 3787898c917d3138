"""Configuration groups of what is built into the terminal, or wired to it: light, sound, serial, Wiegand and relay (protocol section
4.5.10)."""

from __future__ import annotations

from typing import Annotated

from msgspec import field

from .fields import number, plain
from .group import GroupData, group, options, titled

_LIGHT_MODES = {0: ("off", "常灭"), 1: ("on", "常亮"), 2: ("automatic", "自动")}
_SCREEN_MINUTES = {
    0: ("never", "从不熄屏"),
    1: ("after 1 minute", "1 分钟"),
    2: ("after 2 minutes", "2 分钟"),
    5: ("after 5 minutes", "5 分钟"),
    10: ("after 10 minutes", "10 分钟"),
}
_BAUD_RATES = dict(enumerate((rate, rate) for rate in ("1200", "2400", "4800", "9600", "19200", "38400", "57600", "115200")))
_DATA_BITS = {bits: (str(bits), str(bits)) for bits in (5, 6, 7, 8)}
_STOP_BITS = {bits: (str(bits), str(bits)) for bits in (0, 1, 2)}
_PARITIES = {0: ("none", "无校验"), 1: ("odd", "奇校验"), 2: ("even", "偶校验"), 3: ("mark", "标志校验"), 4: ("space", "空校验")}
_SERIAL_OUTPUTS = {
    1: ("nothing", "不输出"),
    2: ("the person's id", "输出人员 ID"),
    3: ("the card's number", "输出卡号 ID"),
    10: ("user defined", "用户自定义"),
}
_WIEGAND_TYPES = {0: ("26 bits", "26 位"), 1: ("34 bits", "34 位")}
_WIEGAND_INPUTS = {
    1: ("converted between HID and PID", "做 HID/PID 转换"),
    2: ("as it comes", "不做 HID/PID 转换"),
    3: ("its last 2 bytes", "取后 2 个字节"),
}
_WIEGAND_OUTPUTS = {
    0: ("nothing", "不输出"),
    1: ("the person's id", "输出人员 ID"),
    2: ("the card's number", "输出卡号 ID"),
    10: ("user defined", "用户自定义"),
}
_LEVELS = {0: ("high level opens", "高电平开闸"), 1: ("low level opens", "低电平开闸")}


@group("ledctl", section="4.5.10.4", zh="补光", example={"mode": 2, "closeScreen": 0})
class LedCtl(GroupData):
    """Light and screen."""

    mode: Annotated[int, titled("Fill light", "补光模式", options("when the light is on", _LIGHT_MODES), icon="mdi:lightbulb")]
    close_screen: Annotated[
        int, titled("Screen off", "自动熄屏", options("when the screen goes dark", _SCREEN_MINUTES), icon="mdi:monitor-off")
    ]


@group(
    "serial",
    section="4.5.10.5",
    zh="串口",
    example={"baudrate": 3, "databit": 8, "stopbit": 1, "checktype": 0, "putOutType": 3},
)
class Serial(GroupData):
    """Serial port."""

    baudrate: Annotated[int, titled("Serial speed", "波特率", options("bits per second", _BAUD_RATES), icon="mdi:serial-port")]
    databit: Annotated[int, titled("Serial data bits", "数据位", options("data bits", _DATA_BITS), icon="mdi:serial-port")]
    stopbit: Annotated[int, titled("Serial stop bits", "停止位", options("stop bits", _STOP_BITS), icon="mdi:serial-port")]
    checktype: Annotated[int, titled("Serial parity", "校验位", options("parity", _PARITIES), icon="mdi:serial-port")]
    put_out_type: Annotated[
        int, titled("Serial output", "串口输出", options("what is sent of who is recognised", _SERIAL_OUTPUTS), icon="mdi:export")
    ]


@group("audioctl", section="4.5.10.6", zh="声音", example={"level": 12})
class AudioCtl(GroupData):
    """Sound."""

    level: Annotated[int, titled("Volume", "音量", number("how loud it speaks", 0, 15), icon="mdi:volume-high")]


@group("weigand", section="4.5.10.7", zh="韦根", example={"InputType": 1, "putOutType": 2, "type": 0})
class Wiegand(GroupData):
    """Wiegand port."""

    input_type: Annotated[
        int, titled("Wiegand input", "韦根输入", options("what becomes of a number read", _WIEGAND_INPUTS), icon="mdi:import")
    ] = field(name="InputType")
    put_out_type: Annotated[
        int, titled("Wiegand output", "韦根输出", options("what is sent of who is recognised", _WIEGAND_OUTPUTS), icon="mdi:export")
    ]
    type: Annotated[int, titled("Wiegand format", "韦根类型", options("how long a number is", _WIEGAND_TYPES), icon="mdi:numeric")]


@group(
    "switchCtrl",
    section="4.5.10.9",
    zh="开关量",
    example={"switchOutput": True, "switchOutMode": 0, "outputInterval": 2000, "outputDelay": 0},
)
class SwitchCtrl(GroupData):
    """Door relay."""

    switch_output: Annotated[
        bool, titled("Door relay", "开关量输出", plain("whether the relay is used at all"), icon="mdi:electric-switch")
    ]
    switch_out_mode: Annotated[
        int, titled("Door relay level", "输出模式", options("what opens the door", _LEVELS), icon="mdi:electric-switch-closed")
    ]
    output_interval: Annotated[
        int, titled("Door pulse", "抬闸脉冲时长", number("how long the relay is driven", 0, 10_000, unit="ms"), icon="mdi:timer-outline")
    ]
    output_delay: Annotated[
        int, titled("Door delay", "延迟输出开闸时长", number("how long the relay waits", 0, 5_000, unit="ms"), icon="mdi:timer-sand")
    ]
