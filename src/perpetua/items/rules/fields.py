"""What the fields of an item may hold."""

import math
import re
import unicodedata
from typing import Any

from perpetua.kit import json
from perpetua.kit.errors import InvalidValue

__all__ = ["clean_attributes", "clean_code", "clean_name", "clean_sku", "clean_text", "image_type"]

MAX_ATTRIBUTES_BYTES = 16_384
MAX_DEPTH = 4
MAX_ITEMS = 200
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029]")
_UNSTORABLE = re.compile(r"[\x00\ud800-\udfff]")


def clean_sku(text: str, field: str = "sku") -> str:
    """A SKU as it is kept: without spaces around it, in the case it was given.

    Raises:
        InvalidValue: empty, longer than 64 characters, or with characters that don't print.
    """
    return _line(text, field, 64)


def clean_code(text: str, field: str = "code") -> str:
    """The code of an owner or category, under the same rules as a SKU."""
    return _line(text, field, 64)


def clean_name(text: str, field: str = "name") -> str:
    """A name as it is kept: one line, 1 to 300 characters.

    Raises:
        InvalidValue: empty, too long, or with characters that don't print.
    """
    return _line(text, field, 300)


def clean_text(text: str, field: str = "description", limit: int = 20_000) -> str:
    """A text of several lines as it is kept.

    Raises:
        InvalidValue: too long, or with characters that can't be stored.
    """
    cleaned = unicodedata.normalize("NFC", text.strip())
    if len(cleaned) > limit:
        raise InvalidValue(field, cleaned, f"is too long; at most {limit} characters")
    if _UNSTORABLE.search(cleaned):
        raise InvalidValue(field, ascii(cleaned), "has characters that can't be stored")
    return cleaned


def clean_attributes(value: dict[str, Any], field: str = "attributes") -> dict[str, Any]:
    """Attributes, when they are a JSON object of sane size: 4 levels deep, 200 members each, 16 kB in all.

    Raises:
        InvalidValue: names the member that can't be taken.
    """
    _check_member(value, field, 0)
    size = len(json.dumps(value))
    if size > MAX_ATTRIBUTES_BYTES:
        raise InvalidValue(field, f"{size} bytes", f"is too large; at most {MAX_ATTRIBUTES_BYTES} bytes as JSON")
    return value


def image_type(content: bytes) -> str | None:
    """The media type that the first bytes show, of those that we take; None for anything else."""
    if content.startswith(b"\x89PNG\r\n\x1a\n") and content[12:16] == b"IHDR":
        return "image/png"
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP" and content[12:15] == b"VP8":
        return "image/webp"
    return None


def _line(text: str, field: str, limit: int) -> str:
    cleaned = unicodedata.normalize("NFC", text.strip())
    if not cleaned:
        raise InvalidValue(field, text, "is empty")
    if len(cleaned) > limit:
        raise InvalidValue(field, cleaned, f"is too long; at most {limit} characters")
    if _UNPRINTABLE.search(cleaned):
        raise InvalidValue(field, ascii(cleaned), "has characters that don't print")
    return cleaned


def _check_member(value: Any, path: str, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise InvalidValue(path[:200], value, f"lies too deep; at most {MAX_DEPTH} levels")
    match value:
        case dict():
            members: list[tuple[Any, Any]] = list(value.items())  # pyright: ignore[reportUnknownArgumentType]
            _check_count(path, len(members))
            for key, member in members:
                if not isinstance(key, str) or not 0 < len(key) <= 100 or _UNPRINTABLE.search(key):
                    raise InvalidValue(path[:200], ascii(key), "has a name that is empty, too long or doesn't print")
                _check_member(member, f"{path}.{key}", depth + 1)
        case list():
            listed: list[Any] = list(value)  # pyright: ignore[reportUnknownArgumentType]
            _check_count(path, len(listed))
            for place, member in enumerate(listed):
                _check_member(member, f"{path}[{place}]", depth + 1)
        case str():
            clean_text(value, path[:200], 4000)
        case float() if not math.isfinite(value):
            raise InvalidValue(path[:200], value, "is not a finite number")
        case None | bool() | int() | float():
            pass
        case _:
            raise InvalidValue(path[:200], value, "is not a JSON value")


def _check_count(path: str, count: int) -> None:
    if count > MAX_ITEMS:
        raise InvalidValue(path[:200], f"{count} members", f"has too many; at most {MAX_ITEMS}")
