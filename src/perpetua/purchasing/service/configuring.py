"""How we buy: the company's currency and rates, when two must approve, what is taken over. Versions, never edits."""

from typing import Any

import msgspec
import sqlalchemy as sa

from perpetua.access.service import audit
from perpetua.access.types import Actor
from perpetua.kit import json
from perpetua.kit.database import Database, Tx
from perpetua.kit.errors import InvalidValue, Stale
from perpetua.kit.idempotency import Answered, once
from perpetua.partners import service as partners
from perpetua.purchasing import rules, store
from perpetua.purchasing.errors import CurrencyFixed
from perpetua.purchasing.tables import purchasing_settings
from perpetua.purchasing.types import SetSettings, Settings

__all__ = ["company_currency", "get_settings", "set_settings"]


async def get_settings(db: Database, actor: Actor) -> Settings:
    """How we buy, now."""
    actor.require("purchasing.read")
    async with db.snapshot() as tx:
        return await store.settings(tx)


async def company_currency(tx: Tx) -> str:
    """The currency that the company counts in."""
    return (await store.settings(tx)).currency


async def set_settings(
    db: Database, actor: Actor, command: SetSettings, *, version: int, key: str | None = None
) -> Answered[Settings]:
    """Set how we buy from now on. Orders that are there keep their rate; drafts need the approvals that are asked now.

    Raises:
        InvalidValue, Stale
        CurrencyFixed: orders were made in terms of the company's currency as it is.
    """
    actor.require("purchasing.configure")
    rules.check_settings(command)
    partners.check_currency("currency", command.currency)
    for currency in command.rates:
        partners.check_currency(f"rates.{currency[:10]}", currency)
        if currency == command.currency:
            raise InvalidValue(
                f"rates.{currency}", str(command.rates[currency]), "is the company's own: it has no rate"
            )

    async def act(tx: Tx) -> Settings:
        await tx.execute(store.Q["lock_settings"])
        before = await store.settings(tx)
        if version != before.version:
            raise Stale(what="purchasing settings", key="", sent=version, current=before.version)
        if command.currency != before.currency and await tx.value(store.Q["any_order"]):
            raise CurrencyFixed(currency=before.currency)
        fields = msgspec.structs.asdict(command) | {
            "rates": json.dumps(command.rates).decode(), "created_by": actor.person_id
        }  # fmt: skip
        await tx.execute(sa.insert(purchasing_settings).values(**fields))
        after = await store.settings(tx)
        await audit(tx, actor, "purchasing_settings", after.version, "set", _said(before), _said(after))
        return after

    sent: dict[str, Any] = {"command": "purchasing.set_settings", "body": [version, command]}
    return await once(db, sender=actor.person_id, key=key, **sent, answer=Settings, act=act)


def _said(settings: Settings) -> dict[str, Any]:
    left_out = {"version", "created_by", "created_at"}
    return {name: value for name, value in msgspec.structs.asdict(settings).items() if name not in left_out}
