"""How rows of files become suppliers: the kind `suppliers` of the import engine.

Always true:
- A row is an upsert by code, whatever its case; a blank cell leaves the field as it is.
- A code that an earlier row of the same files has is a bad row, which names that line.
- Undo restores what was changed and removes what was made, or refuses, naming what was changed or used since.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import time
from typing import Any, Final, cast

from perpetua.access.types import Actor
from perpetua.kit.database import Tx
from perpetua.kit.errors import InvalidValue, Refusal
from perpetua.kit.imports import (
    BadRow,
    CannotUndo,
    Chunk,
    ChunkResult,
    Field,
    ImportOptions,
    Parsed,
    Place,
    Run,
    Tell,
    bad_row,
    number,
    remembered,
    yes_or_no,
)
from perpetua.kit.quantity import parse_decimal
from perpetua.partners import service

__all__ = ["SUPPLIERS", "SuppliersKind"]

SHOWN: Final = 20
DAYS: Final = {"mon": 1, "tue": 2, "wed": 3, "thu": 4, "fri": 5, "sat": 6, "sun": 7}


def _whole(field: str) -> Callable[[str], int]:
    def parse(text: str) -> int:
        value = parse_decimal(text, field)
        if value != value.to_integral_value() or abs(value) > 100_000:
            raise InvalidValue(field, text, "must be a whole number")
        return int(value)

    return parse


def _days(text: str) -> list[int]:
    found: list[int] = []
    for word in text.replace(";", ",").replace("|", ",").replace(" ", ",").split(","):
        if word:
            day = DAYS.get(word.casefold()[:3]) or (int(word) if word.isascii() and word.isdigit() else 0)
            if not 1 <= day <= 7:
                raise InvalidValue("working_days", text, "must be days such as 1,2,3,4,5 or mon,tue,wed")
            found.append(day)
    return found


def _time(text: str) -> time:
    try:
        return time.fromisoformat(text)
    except ValueError:
        raise InvalidValue("cut_off", text, "is no time; write it like 15:30") from None


class SuppliersKind:
    """Suppliers, a row a supplier."""

    name = "suppliers"
    chunk_rows = 2000
    repeatable = True
    fields: Sequence[Field] = (
        Field(
            name="code", synonyms=("supplier", "supplier_code", "vendor", "vendor_code", "vendor_number"), required=True
        ),
        Field(name="name", synonyms=("supplier_name", "vendor_name")),
        Field(name="currency", synonyms=("currency_code",), parse=lambda text: text.strip().upper(), help="ISO 4217"),
        Field(name="order_email", synonyms=("email", "e_mail")),
        Field(name="language", help="two letters"),
        Field(name="net_days", synonyms=("payment_days", "terms"), parse=_whole("net_days")),
        Field(name="discount_percent", synonyms=("discount",), parse=number("discount_percent")),
        Field(name="discount_days", parse=_whole("discount_days")),
        Field(name="lead_time_days", synonyms=("lead_time",), parse=_whole("lead_time_days")),
        Field(name="over_percent", synonyms=("over_tolerance",), parse=number("over_percent")),
        Field(name="working_days", parse=_days, help="1 is Monday: 1,2,3,4,5"),
        Field(name="cut_off", synonyms=("order_cut_off",), parse=_time),
        Field(name="timezone", synonyms=("time_zone",)),
        Field(name="active", synonyms=("enabled",), parse=yes_or_no("active")),
        Field(name="address_lines", synonyms=("address", "street"), parse=lambda text: text.strip().splitlines()),
        Field(name="address_city", synonyms=("city", "town")),
        Field(name="address_region", synonyms=("region", "state", "county")),
        Field(name="address_postcode", synonyms=("postcode", "zip", "postal_code")),
        Field(
            name="address_country", synonyms=("country",), parse=lambda text: text.strip().upper(), help="two letters"
        ),
        Field(name="contact_name", synonyms=("contact",)),
        Field(name="contact_email"),
        Field(name="contact_phone", synonyms=("phone", "telephone")),
    )

    def check(self, actor: Actor, fields: frozenset[str], options: ImportOptions) -> None:
        """Raises NotAllowed."""
        actor.require("suppliers.write")

    async def prepare(self, tx: Tx, actor: Actor, run: Run) -> Any:
        """Nothing need be known beforehand."""

    async def apply(self, tx: Tx, actor: Actor, run: Run, chunk: Chunk) -> ChunkResult:
        """Upsert the chunk's rows."""
        bad: list[BadRow] = []
        going = [row for row in chunk.rows if _is_first(run, row, bad)]
        loaded = await service.upsert(tx, actor, [_row(row.values) for row in going])
        counts = {"created": 0, "changed": 0, "same": 0}
        for row, outcome in zip(going, loaded.outcomes, strict=True):
            if isinstance(outcome, Refusal):
                bad.append(bad_row(row.place, outcome))
            else:
                counts[outcome] += 1
        await run.remember(tx, "created", list(loaded.created), list(loaded.created.values()))
        await run.remember(tx, "changed", list(loaded.changed), list(loaded.changed.values()))
        return ChunkResult(bad, counts)

    async def finish(self, tx: Tx, actor: Actor, run: Run) -> Mapping[str, int]:
        """Nothing is left to do."""
        return {}

    async def undo(self, tx: Tx, actor: Actor, import_id: int, tell: Tell) -> Mapping[str, int]:
        """Restore, then remove. Raises CannotUndo."""
        created: dict[int, dict[str, Any]] = {}
        changed: dict[int, tuple[dict[str, Any], dict[str, Any]]] = {}
        for one in await remembered(tx, import_id):
            for own, value in zip(one.ids, one.before or (), strict=True):
                if one.what == "created":
                    created[own] = value
                else:
                    changed[own] = cast(tuple[dict[str, Any], dict[str, Any]], tuple(value))
        total = len(created) + len(changed)
        await tell(0, total)
        try:
            since = await service.take_back(tx, actor, created, changed)
        except Refusal as refusal:
            raise CannotUndo(import_id=import_id, reason=refusal.detail, **refusal.facts) from None
        if since:
            reason = f"{len(since)} suppliers were changed since: {', '.join(since[:SHOWN])}"
            raise CannotUndo(import_id=import_id, reason=reason, in_the_way=since[:SHOWN], count=len(since))
        await tell(total, total)
        return {"restored": len(changed), "removed": len(created)}


def _is_first(run: Run, row: Parsed, bad: list[BadRow]) -> bool:
    places: dict[str, Place] = run.memory.setdefault("codes", {})
    code = row.values["code"]
    first = places.setdefault(code.upper(), row.place)
    if first == row.place:
        return True
    bad.append(BadRow(row.place, "twice", f"line {first.line} is of this supplier already", "code", code))
    return False


def _row(values: Mapping[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for name, value in values.items():
        part, sign, field = name.partition("_")
        if sign and part in {"address", "contact"}:
            row.setdefault(part, {})[field] = value
        else:
            row[name] = value
    return row


SUPPLIERS: Final = SuppliersKind()
