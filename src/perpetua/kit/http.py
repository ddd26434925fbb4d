"""What every word's `http.py` needs: parameters, versions and answers, the same everywhere.

Always true:
- A repeated command's answer carries `Idempotent-Replayed: true`; the first one's does not.
- A version leaves as a strong ETag (`"7"`) and comes back in If-Match; `*` is not taken, as it protects nobody.
- A page has 1 to 1000 rows; another number is refused, never clamped in silence.
"""

import re
from datetime import datetime
from typing import Annotated, Any, Final, TypeVar

import msgspec
from litestar import Response
from litestar.params import Parameter

from perpetua.kit import json
from perpetua.kit.clock import parse_instant
from perpetua.kit.errors import InvalidValue, Refusal, VersionNeeded
from perpetua.kit.idempotency import Answered
from perpetua.kit.listing import MAX_LIMIT, PageRequest

__all__ = [
    "LARGEST_ID",
    "Id",
    "IdempotencyKey",
    "IfMatch",
    "Moment",
    "PathId",
    "QueryId",
    "etag",
    "moment_of",
    "page_of_query",
    "problem_of",
    "reply",
    "version_of",
]  # fmt: skip

T = TypeVar("T")
LARGEST_ID: Final = 2**63 - 1
_ETAG = re.compile(r'(?:W/)?"(\d{1,18})"', re.ASCII)

Id = Annotated[int, msgspec.Meta(ge=0, le=LARGEST_ID)]
"""The number of something, in a body; larger than a bigint it cannot be."""

PathId = Annotated[int, Parameter(ge=0, le=LARGEST_ID)]
"""The number of something, in an address: `order_id: PathId`."""

QueryId = Annotated[int | None, Parameter(ge=0, le=LARGEST_ID)]
"""The number of something, in a query: `category_id: QueryId = None`. (Litestar forgets the bounds of `Id | None`.)"""

IdempotencyKey = Annotated[
    str | None,
    Parameter(
        header="Idempotency-Key",
        min_length=1,
        max_length=200,
        description="Send the same key again with the same body, and the command has one effect and one answer.",
    ),
]
"""Of a command handler: `idempotency_key: IdempotencyKey = None`."""

IfMatch = Annotated[
    str | None,
    Parameter(
        header="If-Match",
        pattern=r'^(W/)?"[0-9]{1,18}"$',
        description='The ETag that you read, as `"7"`. Changed meanwhile: 412.',
    ),
]
"""Of a handler that changes what people edit: `if_match: IfMatch = None`, then `version_of(if_match)`."""


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """The two times of a question about stock; None is now.

    `as_of`: as it was then. `known_at`: as it was known then.
    """

    as_of: datetime | None = None
    known_at: datetime | None = None


def reply(answered: Answered[T], *, status_code: int = 201, version: int | None = None) -> Response[T]:
    """The answer to a command, marked when it is a repeated one; with its ETag where it has a version."""
    headers = {"Idempotent-Replayed": "true"} if answered.replayed else {}
    if version is not None:
        headers["ETag"] = etag(version)
    return Response(answered.answer, status_code=status_code, headers=headers)


def problem_of(refusal: Refusal) -> dict[str, Any]:
    """A refusal as an RFC 9457 problem: its facts stand beside what every problem has."""
    return {
        **{name: _plain(fact) for name, fact in refusal.facts.items()},
        "type": f"/problems/{refusal.code}", "title": refusal.title, "status": refusal.status,
        "detail": refusal.detail, "code": refusal.code,
    }  # fmt: skip


def _plain(fact: Any) -> Any:
    """A fact as JSON can carry it; what it cannot carry is said in words."""
    try:
        return json.loads(json.dumps(fact))
    except (TypeError, ValueError):
        return str(fact)[:200]


def etag(version: int) -> str:
    """The ETag of a version."""
    return f'"{version}"'


def version_of(if_match: str | None) -> int:
    """The version named by If-Match.

    Raises:
        VersionNeeded: there is none.
        InvalidValue: it is no ETag of ours.
    """
    if if_match is None:
        raise VersionNeeded(header="If-Match")
    match = _ETAG.fullmatch(if_match.strip())
    if not match:
        raise InvalidValue("If-Match", if_match, 'is not an ETag of this resource; send it as you read it, like "7"')
    return int(match[1])


def page_of_query(
    limit: Annotated[int, Parameter(ge=1, le=MAX_LIMIT, description="Rows in a page.")] = 50,
    cursor: Annotated[
        str | None, Parameter(max_length=2000, description="`next_cursor` of the page before; opaque.")
    ] = None,
    sort: Annotated[str, Parameter(max_length=60, description="Name of the order; empty is the list's own.")] = "",
) -> PageRequest:
    """The page asked for in the query; injected as `page: PageRequest`."""
    return PageRequest(limit=limit, cursor=cursor, sort=sort)


def moment_of(
    as_of: Annotated[
        str | None,
        Parameter(max_length=40, description="Stock as it was then: RFC 3339, or a date for its end."),
    ] = None,
    known_at: Annotated[
        str | None,
        Parameter(max_length=40, description="Stock as it was known then: RFC 3339, or a date."),
    ] = None,
) -> Moment:
    """The two times asked for in the query; injected as `moment: Moment`.

    Raises:
        InvalidValue: not an instant, or out of bounds.
    """
    return Moment(
        as_of=None if as_of is None else parse_instant(as_of, "as_of"),
        known_at=None if known_at is None else parse_instant(known_at, "known_at"),
    )
