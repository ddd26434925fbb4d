"""Pages by cursor: a list is read in slices after a key, never by offset.

Always true:
- A page costs the same wherever it lies; rows added meanwhile neither repeat nor hide a row already due.
- A cursor is opaque to the reader, names the order it was made for, and a foreign or broken one is refused.
"""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

import msgspec

from perpetua.kit import json
from perpetua.kit.errors import InvalidValue

__all__ = ["MAX_LIMIT", "Page", "PageRequest", "page_of"]

T = TypeVar("T")
MAX_LIMIT = 1000


class Page(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """One slice of a list. `next_cursor` is None on the last one."""

    items: list[T]
    next_cursor: str | None = None


class PageRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What the reader asked: at most `limit` rows, after `cursor`, in the order named `sort`."""

    limit: int = 50
    cursor: str | None = None
    sort: str = ""

    def after(self, *types: type) -> list[Any] | None:
        """The key values after which to read, converted to `types`; None for the first page.

        Raises:
            InvalidValue: the cursor was made for another list or order, or is damaged.
        """
        if not self.cursor:
            return None
        try:
            raw = base64.urlsafe_b64decode(self.cursor.encode() + b"=" * (-len(self.cursor) % 4))
            sort, *key = json.loads(raw)
            if sort != self.sort or len(key) != len(types):
                raise ValueError
            return [msgspec.convert(value, kind, strict=False) for value, kind in zip(key, types, strict=True)]
        except (ValueError, TypeError, binascii.Error, msgspec.MsgspecError, UnicodeError):
            raise InvalidValue(
                "cursor", self.cursor, "does not belong to this list and order; start again without it"
            ) from None


def page_of(rows: Sequence[T], request: PageRequest, key: Callable[[T], Sequence[Any]]) -> Page[T]:
    """A page from `limit + 1` rows read: the surplus row only tells that there is more."""
    if len(rows) <= request.limit:
        return Page(items=list(rows))
    kept = list(rows[: request.limit])
    raw = json.dumps([request.sort, *key(kept[-1])])
    return Page(items=kept, next_cursor=base64.urlsafe_b64encode(raw).rstrip(b"=").decode())
