from __future__ import annotations

import pytest

from bridge.config.values import Config, Device, Registration
from bridge.registry import Terms


def test_they_come_from_the_configuration() -> None:
    config = Config(
        registration=Registration(policy="closed", serials=("SN1",)),
        devices={"SN2": Device(name="Front door"), "SN3": Device(approved=False)},
    )
    assert Terms.of(config) == Terms(
        policy="closed", approved=frozenset({"SN1", "SN2"}), held=frozenset({"SN3"}), names={"SN2": "Front door"}
    )


@pytest.mark.parametrize(
    ("policy", "shut_out", "unasked"),
    [("approve", [], ["listed"]), ("open", [], ["listed", "stranger"]), ("closed", ["held", "stranger"], ["listed"])],
)
def test_what_each_policy_does(policy: str, shut_out: list[str], unasked: list[str]) -> None:
    terms = Terms(policy=policy, approved=frozenset({"listed"}), held=frozenset({"held"}))  # type: ignore[arg-type]
    serials = ["held", "listed", "stranger"]
    assert [serial for serial in serials if terms.shuts_out(serial)] == shut_out
    assert [serial for serial in serials if terms.admits_unasked(serial)] == unasked
