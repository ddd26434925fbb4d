"""What cannot be read or built as GS1 data."""

from typing import Any

from perpetua.kit.errors import InvalidValue

__all__ = ["NotGs1"]


class NotGs1(InvalidValue):
    """Facts: field, value (the element's, else the whole code), reason, fault (which kind, for programs), advice,
    ai (None before the first), position (the character of the code as it was sent, from 1), expected (the right check
    digit or pair, where one is wrong).
    """

    code = "gs1_invalid"
    title = "This is not GS1 data as it must be"
    sentence = "{field}, character {position}: {reason}."
    remedy = "{advice}"

    def __init__(
        self, field: str, value: object, reason: str, *, fault: str = "format", advice: str = "", **facts: Any
    ) -> None:
        facts = {"position": 1, "ai": None, **facts}
        super().__init__(field, value, reason, fault=fault, advice=advice, **facts)
