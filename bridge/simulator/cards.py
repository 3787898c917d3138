"""Made-up cards, as swiping_card reads them (protocol section 4.5.8). No number in here is anybody's."""

from __future__ import annotations

from random import Random
from typing import Any

ID_CARD, IC_CARD = 0, 3
_ID_CARD_SHARE = 0.25


def some_card(random: Random) -> dict[str, Any]:
    """An IC card, or at times an ID card, whose number starts with a region that there is not."""
    if random.random() >= _ID_CARD_SHARE:
        return {"cardType": IC_CARD, "idNum": f"{random.randrange(10**8, 10**9)}"}
    year, gender = random.randrange(1950, 2005), random.choice(("男", "女"))
    return {
        "cardType": ID_CARD,
        "name": "样例",
        "idNum": f"000000{year}0101{random.randrange(10**4):04d}",
        "ethnic": "汉",
        "gender": gender,
        "birthday": f"{year}0101",
        "address": "样例路 1 号",
        "idIssuingOrgan": "样例市公安局",
        "idUsefulLife": "20200101~20400101",
    }
