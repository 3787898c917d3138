"""Configuration groups of recognition: who is let in and how, and what is said and reported (protocol section 4.5.10)."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, field

from ..errors import Invalid
from .checking import below
from .fields import Id, Maybe, identifier, items, number, plain
from .group import GroupData, Values, group, options, titled

_LIVENESS = {
    0: ("fast, photographs pass", "快速识别, 不拒绝照片"),
    1: ("photographs and videos are rejected", "能拒绝照片+视频"),
    2: ("some photographs, and videos, are rejected", "能拒绝部分照片+视频"),
}
_DISTANCES = {
    0: ("any", "无限制"),
    1: ("0.5 m", "0.5 米以内"),
    2: ("1 m", "1 米以内"),
    3: ("1.5 m", "1.5 米以内"),
    4: ("2 m", "2 米以内"),
    5: ("3 m", "3 米以内"),
}
_SUCCESS_TIPS = {
    1: ("recognised", "识别成功"),
    2: ("please pass", "请通行"),
    3: ("verified", "验证通过"),
    4: ("welcome", "欢迎光临"),
    5: ("welcome home", "欢迎回家"),
    6: ("take care", "请慢走"),
    7: ("have a safe trip", "一路平安"),
    8: ("please wear a helmet", "请戴安全帽"),
}
_FAIL_TIPS = {0: ("not authorised", "未授权"), 1: ("stranger", "陌生人"), 2: ("type 2, not in the document's list", "类型 2")}
_DOOR_MODES = {
    0: ("face", "刷脸模式"),
    1: ("face and card", "人卡合一模式"),
    2: ("card", "刷卡模式"),
    3: ("face and ID card", "人证模式"),
    4: ("face and ID card, white list", "人证白名单模式"),
    5: ("face or card", "人脸或卡"),
    6: ("face, or face and ID card", "人脸或人证"),
}
_CARD_ORDERS = {0: ("any order", "不限制"), 1: ("face, then card", "先脸后卡"), 2: ("card, then face", "先卡后脸")}
_ID_CARD_ORDERS = {0: ("any order", "不限制"), 1: ("face, then ID card", "先脸后证"), 2: ("ID card, then face", "先证后脸")}
_TONES = {0: ("on", "打开提示音"), 1: ("off", "关闭提示音")}
_PREFIX_BYTES = 12


@group(
    "vaparam",
    section="4.5.10.8",
    zh="人脸参数",
    aliases={"safetyhatDelect": "safetyhatDecect"},
    example={"SimilarThres": 80, "DetThres": 65, "LiveThres": 50, "LiveSwitch": 0, "Distance": 0, "safetyhatDecect": False},
)
class VaParam(GroupData):
    """Face recognition."""

    similar_thres: Annotated[
        int, titled("Match threshold", "人脸比对阈值", number("how alike faces must be", 0, 100), icon="mdi:face-recognition")
    ] = field(name="SimilarThres")
    det_thres: Annotated[
        int, titled("Detection threshold", "人脸检测阈值", number("how clear a face must be", 0, 100), icon="mdi:face-man")
    ] = field(name="DetThres")
    live_thres: Annotated[
        int, titled("Liveness threshold", "活体检测阈值", number("how alive a face must be", 0, 100), icon="mdi:face-man-shimmer")
    ] = field(name="LiveThres")
    live_switch: Annotated[
        int, titled("Liveness check", "活体识别等级", options("what is rejected as not alive", _LIVENESS), icon="mdi:shield-account")
    ] = field(name="LiveSwitch")
    distance: Annotated[
        int, titled("Recognition distance", "人脸识别距离", options("how far a face may be", _DISTANCES), icon="mdi:map-marker-distance")
    ] = field(name="Distance")
    safety_hat: Maybe[
        Annotated[bool, titled("Helmet check", "安全帽检测", plain("whether a helmet must be worn"), icon="mdi:hard-hat")]
    ] = field(name="safetyhatDecect", default=UNSET)


@group("VoiceTips", section="4.5.10.10", zh="终端语音提示", example={"SuccessTips": 2, "FailTips": 1})
class VoiceTips(GroupData):
    """Voice."""

    success_tips: Annotated[
        int, titled("Words of success", "识别成功语音", options("said to who may pass", _SUCCESS_TIPS), icon="mdi:account-voice")
    ] = field(name="SuccessTips")
    fail_tips: Annotated[
        int, titled("Words of refusal", "识别失败语音", options("said to who may not", _FAIL_TIPS), icon="mdi:account-voice-off")
    ] = field(name="FailTips")


@group(
    "OpenDoorModeSet",
    section="4.5.10.12",
    zh="通行模式",
    example={"OpenDoor": 1, "CardVerify": 0, "SwipeCardTip": 0, "SwipeFaceTip": 0, "IdCardVerify": 0, "SwipeIdCardTip": 0},
)
class OpenDoorModeSet(GroupData):
    """What opens the door."""

    open_door: Annotated[int, titled("Door opens for", "通行模式", options("what must be shown", _DOOR_MODES), icon="mdi:door-open")] = (
        field(name="OpenDoor")
    )
    card_verify: Maybe[
        Annotated[
            int,
            titled(
                "Face and card order",
                "人卡校验模式",
                options("in mode 1: which comes first", _CARD_ORDERS),
                icon="mdi:card-account-details",
            ),
        ]
    ] = field(name="CardVerify", default=UNSET)
    swipe_card_tip: Maybe[
        Annotated[int, titled("Card tone", "刷卡提示音", options("in mode 1: the tone at a card", _TONES), icon="mdi:music-note")]
    ] = field(name="SwipeCardTip", default=UNSET)
    swipe_face_tip: Maybe[
        Annotated[int, titled("Face tone", "刷脸提示音", options("in modes 1 and 3: the tone at a face", _TONES), icon="mdi:music-note")]
    ] = field(name="SwipeFaceTip", default=UNSET)
    id_card_verify: Maybe[
        Annotated[
            int,
            titled(
                "Face and ID card order",
                "人证校验模式",
                options("in mode 3: which comes first", _ID_CARD_ORDERS),
                icon="mdi:card-account-details",
            ),
        ]
    ] = field(name="IdCardVerify", default=UNSET)
    swipe_id_card_tip: Maybe[
        Annotated[int, titled("ID card tone", "刷证提示音", options("in mode 3: the tone at an ID card", _TONES), icon="mdi:music-note")]
    ] = field(name="SwipeIdCardTip", default=UNSET)

    @classmethod
    def completed(cls, values: Values, part: Values, now: str) -> Values:
        """With the fields that the mode needs, the document's 0 for those unknown, and without the terminal's own of another mode."""
        needed = _NEEDED.get(values.get("OpenDoor", 0), ())
        kept = {name: value for name, value in values.items() if name == "OpenDoor" or name in part or name in needed}
        return dict.fromkeys(needed, 0) | kept

    def check_rules(self, path: str) -> None:
        """Modes 1 and 3 need fields of their own."""
        super().check_rules(path)
        wire = {each.name: each.attribute for each in self.declaration.fields}
        for name in _NEEDED.get(self.open_door, ()):
            if getattr(self, wire[name]) is UNSET:
                raise Invalid(below(path, name), f"a value, as OpenDoor is {self.open_door}", "nothing")


_NEEDED = {1: ("CardVerify", "SwipeCardTip", "SwipeFaceTip"), 3: ("IdCardVerify", "SwipeIdCardTip", "SwipeFaceTip")}


@group("StrangerParam", section="4.5.10.15", zh="陌生人", example={"strangerOpenDoorEn": False, "strangerIdentifyEn": True})
class StrangerParam(GroupData):
    """Strangers."""

    stranger_open_door_en: Annotated[
        bool, titled("Strangers may pass", "陌生人允许通行", plain("whether the door opens for anybody"), icon="mdi:account-question")
    ]
    stranger_identify_en: Annotated[
        bool, titled("Strangers are reported", "陌生人识别", plain("whether strangers are recognised as such"), icon="mdi:account-search")
    ]


@group("VerifyRetRspSet", section="4.5.10.18", zh="识别结果上报配置", example={"SnapshotPic": True})
class VerifyRetRspSet(GroupData):
    """Reports of recognition."""

    snapshot_pic: Annotated[
        bool, titled("Pictures in reports", "上报抓拍照片", plain("whether a report has the picture taken"), icon="mdi:camera-account")
    ] = field(name="SnapshotPic")


@group("ForbidIdCardSet", section="4.5.10.19", zh="身份证号限制", example={"NumPrefix": ["44", "4405"]})
class ForbidIdCardSet(GroupData):
    """ID cards that are turned away."""

    num_prefix: Annotated[
        list[Annotated[Id, identifier("first digits of an ID card's number", _PREFIX_BYTES)]],
        titled("Refused ID card numbers", "受限的身份证号前缀", items("prefixes of numbers"), icon="mdi:card-account-details-star"),
    ] = field(name="NumPrefix")
