"""A report as its event tells it: our names, and times of the terminal in ISO 8601."""

from __future__ import annotations

from datetime import datetime, tzinfo
from functools import cache
from typing import Any

import msgspec
from msgspec import inspect


def fields_of_event(data: msgspec.Struct, zone: tzinfo) -> dict[str, Any]:
    """The fields by their names in Python, those of nested objects too; local civil times as moments in `zone`, if they are times."""
    forms = _time_forms(type(data))
    return {name: _told(value, forms.get(name), zone) for name, value in msgspec.structs.asdict(data).items()}


def _told(value: Any, form: str | None, zone: tzinfo) -> Any:
    if isinstance(value, msgspec.Struct):
        return fields_of_event(value, zone)
    if isinstance(value, list):
        return [_told(each, form, zone) for each in value]
    if form is None or not isinstance(value, str):
        return value
    moment = local_moment(value, form)
    return value if moment is None else moment.replace(tzinfo=zone).isoformat()


def local_moment(text: str, form: str) -> datetime | None:
    """A local civil time, without its zone; None when the text is not exactly in this form, or no such time exists."""
    try:
        moment = datetime.strptime(text.strip(), form)  # noqa: DTZ007 - terminals name no zone
    except ValueError:
        return None
    return moment if moment.strftime(form).zfill(len(text.strip())) == text.strip() else None


@cache
def _time_forms(shape: type[msgspec.Struct]) -> dict[str, str]:
    declared = inspect.type_info(shape)
    assert isinstance(declared, inspect.StructType)
    extras = {field.name: field.type.extra or {} for field in declared.fields if isinstance(field.type, inspect.Metadata)}
    return {name: extra["local_time"] for name, extra in extras.items() if "local_time" in extra}
