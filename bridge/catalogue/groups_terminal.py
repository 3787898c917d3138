"""Configuration groups of the terminal itself: what it is, its network, clock, restarts and pushing (protocol section 4.5.10)."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, field

from .fields import Id, Maybe, identifier, items, number, plain, text
from .forms import date_time, time_of_day
from .group import GroupData, Values, group, options, titled
from .message import Data

LONGEST_SECRET = 127
_CLOCKS = {
    0: ("neither the bridge nor an NTP server", "不同步"),
    1: ("the bridge", "同步管理系统时间"),
    2: ("an NTP server", "同步 NTP 服务器时间"),
}
_DAYS = {
    0: ("every day", "每天"),
    1: ("Sunday", "星期天"),
    2: ("Monday", "星期一"),
    3: ("Tuesday", "星期二"),
    4: ("Wednesday", "星期三"),
    5: ("Thursday", "星期四"),
    6: ("Friday", "星期五"),
    7: ("Saturday", "星期六"),
}
_LOG_LEVELS = {0: ("most", "最多"), 1: ("medium", "中等"), 2: ("least", "最少")}
_CHARACTER_CODES = {0: ("UTF-8", "UTF-8")}


@group(
    "version",
    section="4.5.10.1",
    zh="版本信息",
    read_only=True,
    example={
        "devType": "ZG01-C",
        "appVer": "2.0.8_2020-06-17_11:01 ZG01-C",
        "sysVer": "2.1.0 2019-12-27 19:30\n",
        "license": "be4f35b915a1aa9d",
    },
)
class Version(GroupData):
    """Versions."""

    dev_type: Annotated[str, titled("Model", "设备类型", text("the terminal's model", 32), icon="mdi:cctv")]
    app_ver: Annotated[str, titled("Firmware", "业务软件", text("version of the application", 32), icon="mdi:tag")]
    sys_ver: Annotated[str, titled("System", "文件系统", text("version of the system below it", 32), icon="mdi:tag-outline")]
    license: Annotated[str, titled("License", "序列号", text("the serial number it is licensed with", 32), icon="mdi:identifier")]


class NetworkInterface(Data):
    """One network interface."""

    name: Maybe[Annotated[str, text("eth0 or eth1", 8)]] = UNSET
    macaddr: Maybe[Annotated[str, text("MAC address", 20)]] = UNSET
    ipaddr: Maybe[Annotated[str, text("IP address", 20)]] = UNSET
    maskaddr: Maybe[Annotated[str, text("netmask", 20)]] = UNSET
    gateway: Maybe[Annotated[str, text("default gateway", 20)]] = UNSET
    DNS: Maybe[Annotated[str, text("DNS server", 20)]] = UNSET


@group(
    "netinfo",
    section="4.5.10.2",
    zh="网络信息",
    read_only=True,
    example={
        "item": [
            {
                "name": "eth0",
                "macaddr": "7E:22:4A:6E:FD:37",
                "ipaddr": "192.168.1.249",
                "maskaddr": "255.255.255.0",
                "gateway": "192.168.1.1",
                "DNS": "192.168.1.1",
            },
            {
                "name": "eth1",
                "macaddr": "",
                "ipaddr": "192.168.1.249",
                "maskaddr": "255.255.255.0",
                "gateway": "192.168.1.1",
                "DNS": "192.168.1.1",
            },
        ]
    },
)
class NetInfo(GroupData):
    """Network."""

    item: Annotated[list[NetworkInterface], titled("Interfaces", "网卡", items("the network interfaces"), icon="mdi:ethernet")]


@group(
    "time",
    section="4.5.10.3",
    zh="时间",
    example={
        "currenttime": "2020-07-01 16:56:15",
        "time_control": 1,
        "ntpPort": 3030,
        "timezone": 20,
        "ntpServer": "192.168.1.250",
    },
)
class Time(GroupData, kw_only=True):
    """Clock."""

    currenttime: Maybe[Annotated[str, date_time("the time by the terminal's clock, local civil time")]] = UNSET
    time_control: Annotated[int, titled("Clock set by", "时间同步方式", options("who sets the clock", _CLOCKS), icon="mdi:clock-check")] = (
        field(name="time_control")
    )
    ntp_port: Annotated[int, titled("NTP port", "NTP 端口", number("port of the NTP server", 0, 99_999), icon="mdi:ethernet")]
    timezone: Annotated[
        int, titled("Time zone", "时区", number("offset from UTC in hours, plus 12: Beijing is 20", 0, 24), icon="mdi:map-clock")
    ]
    ntp_server: Annotated[str, titled("NTP server", "NTP 服务器", text("address of the NTP server", 32), icon="mdi:server-network")]

    @classmethod
    def completed(cls, values: Values, part: Values, now: str) -> Values:
        """With the time of now: one that was read some time ago would set the clock back."""
        return {**values, "currenttime": part.get("currenttime", now)}


@group(
    "HttpPush",
    section="4.5.10.16",
    zh="HTTP 推送",
    aliases={"appsecret": "appSecret"},
    example={
        "httpPushEnable": True,
        "httpServerAddr": "192.168.2.8",
        "httpServerAddrStandby": "192.168.2.1",
        "httpServerPort": 80,
        "timeout": 5,
        "charcode": 0,
        "heartbeat_interval": 0,
        "private_protocol": 0,
        "sslenable": False,
        "sslport": 443,
        "appid": "12355",
        "appSecret": "afaf",
        "AuthSn": "fafafa",
    },
)
class HttpPush(GroupData):
    """HTTP push."""

    http_push_enable: Annotated[bool, titled("HTTP push", "启用 HTTP 推送", plain("whether records are pushed"), icon="mdi:cloud-upload")]
    http_server_addr: Annotated[str, titled("Push server", "服务器地址", text("address of the server", 64), icon="mdi:server")]
    http_server_addr_standby: Annotated[
        str, titled("Standby push server", "服务器备用地址", text("address of the standby server", 64), icon="mdi:server")
    ]
    http_server_port: Annotated[int, titled("Push port", "服务器端口", number("port of the server", 0, 65_535), icon="mdi:ethernet")]
    timeout: Annotated[
        int, titled("Push time-out", "超时时间", number("how long the server may take", 0, 1000, unit="s"), icon="mdi:timer-outline")
    ]
    charcode: Annotated[int, titled("Push encoding", "字符编码", options("encoding of the text", _CHARACTER_CODES), icon="mdi:translate")]
    heartbeat_interval: Annotated[
        int, titled("Push heartbeat", "心跳间隔", number("time between heartbeats", 0, 65_535, unit="s"), icon="mdi:heart-pulse")
    ] = field(name="heartbeat_interval")
    private_protocol: Annotated[
        int, titled("Private push protocol", "私有协议", number("number of a private protocol", 0, 65_535), icon="mdi:protocol")
    ] = field(name="private_protocol")
    sslenable: Annotated[bool, titled("Push over TLS", "SSL 连接", plain("whether the connection is encrypted"), icon="mdi:lock")]
    sslport: Annotated[int, titled("Push TLS port", "SSL 端口", number("port of the encrypted connection", 0, 65_535), icon="mdi:ethernet")]
    appid: Annotated[
        Id, titled("Push app id", "应用 ID", identifier("the id at the server", LONGEST_SECRET, min_bytes=0), icon="mdi:identifier")
    ]
    app_secret: Annotated[
        str, titled("Push app secret", "应用密钥", text("the secret at the server", LONGEST_SECRET), icon="mdi:key", secret=True)
    ]
    auth_sn: Annotated[
        Id, titled("Push licence number", "授权序列号", identifier("the licence's number", 32, min_bytes=0), icon="mdi:identifier")
    ] = field(name="AuthSn")


@group(
    "system_reboot",
    section="4.5.10.17",
    zh="系统重启",
    example={"week": 4, "auto_reboot": True, "log_level": 0, "time": "03:00:00"},
)
class SystemReboot(GroupData, kw_only=True):
    """Restarts."""

    week: Annotated[int, titled("Restart day", "重启日", options("the day of the week", _DAYS), icon="mdi:calendar-refresh")]
    auto_reboot: Annotated[bool, titled("Regular restart", "自动重启", plain("whether it restarts regularly"), icon="mdi:restart")] = field(
        name="auto_reboot"
    )
    log_level: Maybe[
        Annotated[int, titled("Log level", "日志级别", options("how much it logs", _LOG_LEVELS), icon="mdi:text-box-outline")]
    ] = field(name="log_level", default=UNSET)
    time: Annotated[str, titled("Restart time", "启动时间", time_of_day("when it restarts"), icon="mdi:clock-outline")]


@group("ProductNameSet", section="4.5.10.11", zh="产品名称", example={"UIName": "动态人脸识别终端"})
class ProductNameSet(GroupData):
    """Name on the screen."""

    ui_name: Annotated[str, titled("Name on the screen", "产品名称", text("the name that the screen shows", 100), icon="mdi:rename")] = (
        field(name="UIName")
    )
