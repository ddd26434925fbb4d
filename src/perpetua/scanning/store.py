"""Runs the statements of scanning; returns its types."""

import re
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, cast

import msgspec

from perpetua.access.types import Actor
from perpetua.kit import json
from perpetua.kit.clock import bounded
from perpetua.kit.database import Queries, Tx
from perpetua.kit.errors import InvalidValue
from perpetua.scanning.types import Outcome, Scan, ScanFilters, ScanRecord

__all__ = ["Recorded", "Result", "list_scans", "record_result", "record_scans", "recorded_scans"]

Q = Queries(__file__)
_UNHELD = re.compile("[\0\ud800-\udfff]")


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """A scan in the log; `outcome` and `answer` where it was done."""

    id: int
    idempotency_key: str | None
    recorded_at: datetime
    body_hash: bytes
    outcome: Outcome | None = None
    answer: Any = None


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a scan."""

    outcome: Outcome
    variant_id: int | None = None
    location_id: int | None = None
    lot: str | None = None
    serial: str | None = None
    quantity: Decimal | None = None
    posting_id: int | None = None
    refusal_code: str | None = None
    refusal: Any = None
    answer: Any = None


async def record_scans(
    tx: Tx, actor: Actor, scans: Sequence[tuple[Scan, str | None, dict[str, Any], bytes]]
) -> list[Recorded]:
    """Keep scans (each with its key, what was asked, and its hash) that are not there yet; those that are new."""
    columns: dict[str, list[Any]] = {
        "scanned_at": [_instant(scan.scanned_at) for scan, *_ in scans],
        "device": [_text(scan.device) for scan, *_ in scans],
        "symbology": [_text(scan.symbology) for scan, *_ in scans],
        "payload": [scan.code.encode("utf-8", "surrogatepass") for scan, *_ in scans],
        "payload_text": [_text(scan.code) for scan, *_ in scans],
        "action": [scan.action for scan, *_ in scans],
        "location": [_text(scan.location) for scan, *_ in scans],
        "asked": [json.dumps(_clean(asked)).decode() for _, _, asked, _ in scans],
        "idempotency_key": [key for _, key, _, _ in scans],
        "body_hash": [digest for *_, digest in scans],
    }
    return await tx.rows(Q["record_scans"], {**columns, "actor_id": actor.person_id}, as_=Recorded)


async def recorded_scans(tx: Tx, actor: Actor, keys: Sequence[str]) -> dict[str, Recorded]:
    """Scans of the actor under these keys."""
    rows = await tx.rows(Q["recorded_scans"], {"actor_id": actor.person_id, "keys": list(keys)}, as_=Recorded)
    return {str(row.idempotency_key): row for row in rows}


async def record_result(tx: Tx, scan_id: int, result: Result) -> None:
    """Keep what became of a scan; nothing where it was done before."""
    values = msgspec.structs.asdict(result)
    for name in ("refusal", "answer"):
        values[name] = None if values[name] is None else json.dumps(_clean(json.plain(values[name]))).decode()
    await tx.execute(Q["record_result"], {**values, "scan_id": scan_id})


async def list_scans(tx: Tx, actor: Actor, filters: ScanFilters, after: int | None, limit: int) -> list[ScanRecord]:
    """Rows of the log that the actor may see, the latest first."""
    params = {
        **msgspec.structs.asdict(filters),
        "after": after,
        "limit": limit,
        "scope": actor.scope_ids,
        "reader_id": actor.person_id,
    }
    return await tx.rows(Q["list_scans"], params, as_=ScanRecord)


def _instant(value: datetime | None) -> datetime | None:
    """The instant, where it is one of the years that stock can have; `asked` keeps it in any case."""
    try:
        return None if value is None else bounded(value, "scanned_at")
    except InvalidValue:
        return None


def _clean(value: Any) -> Any:
    """The same with a replacement sign for what PostgreSQL's JSON cannot hold."""
    match value:
        case str():
            return _UNHELD.sub("\ufffd", value)
        case dict():
            return {_clean(key): _clean(one) for key, one in cast(dict[str, Any], value).items()}
        case list():
            return [_clean(one) for one in cast(list[Any], value)]
        case _:
            return value


def _text(value: str | None) -> str | None:
    """What PostgreSQL keeps as text: all but NUL and halves of surrogate pairs."""
    return None if value is None or _UNHELD.search(value) else value
