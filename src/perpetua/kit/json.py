"""JSON as this system writes it: decimals as strings, instants as RFC 3339, keys as they are."""

from typing import Any, TypeVar

import msgspec

__all__ = ["decode", "dumps", "loads", "plain"]

T = TypeVar("T")
_encoder = msgspec.json.Encoder(decimal_format="string")
_decoder = msgspec.json.Decoder()


def dumps(value: Any) -> bytes:
    """`value` as JSON bytes."""
    return _encoder.encode(value)


def loads(data: bytes | str) -> Any:
    """The value written in JSON."""
    return _decoder.decode(data)


def decode(data: bytes | str, as_: type[T]) -> T:
    """The value written in JSON, checked to be `as_`."""
    return msgspec.json.decode(data, type=as_)


def plain(value: Any) -> Any:
    """`value` as only dict, list, str, int, bool and None, as JSON would carry it."""
    return msgspec.to_builtins(value)
