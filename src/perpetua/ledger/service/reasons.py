"""Reason codes and their thresholds."""

from typing import Any

import msgspec
import sqlalchemy as sa

from perpetua.access import service as access
from perpetua.access.types import Actor
from perpetua.kit.database import Database, Tx
from perpetua.kit.errors import Missing
from perpetua.kit.json import plain
from perpetua.ledger import store
from perpetua.ledger.errors import UnknownReason, VersionChanged
from perpetua.ledger.tables import reason_codes
from perpetua.ledger.types import ReasonCode, ReasonCodeChange, TransactionType

__all__ = ["change_reason", "list_reasons", "require_reason"]


async def list_reasons(db: Database, actor: Actor) -> list[ReasonCode]:
    """All reason codes; there are few."""
    actor.require("stock.read")
    async with db.transaction() as tx:
        return await tx.rows(store.Q["reasons"], as_=ReasonCode)


async def change_reason(
    db: Database, actor: Actor, code: str, change: ReasonCodeChange, *, version: int | None = None
) -> ReasonCode:
    """Set what a reason is for and above what it needs approval; makes it where there is none.

    Raises:
        VersionChanged: it is not at `version` any more.
    """
    actor.require("settings.write")
    given: dict[str, Any] = {
        name: value for name, value in msgspec.structs.asdict(change).items() if value is not msgspec.UNSET
    }

    async def act(tx: Tx) -> ReasonCode:
        before = await store.reason(tx, code)
        if before and version is not None and before.version != version:
            raise VersionChanged(
                sku=code, location="reason codes", version=before.version, expected=version, on_hand="-"
            )
        if before is None:
            whole = {"name": code, "used_for": ["ADJUSTMENT"], **given}
            await tx.execute(sa.insert(reason_codes).values(code=code.lower(), **whole))
        elif given:
            changed = {**given, "version": before.version + 1}
            await tx.execute(sa.update(reason_codes).where(reason_codes.c.code == before.code).values(**changed))
        after = await store.reason(tx, code)
        assert after is not None
        await access.audit(tx, actor, "reason_code", after.code, "changed" if before else "created",
                           plain(before), plain(after))  # fmt: skip
        return after

    return await db.run(act)


async def require_reason(tx: Tx, code: str, used_for: TransactionType) -> ReasonCode:
    """The reason, when it may be used for this.

    Raises:
        UnknownReason: there is none, it is not active, or it is for something else.
    """
    reason = await store.reason(tx, code)
    if reason is None or not reason.active or used_for not in reason.used_for:
        known = [
            r.code for r in await tx.rows(store.Q["reasons"], as_=ReasonCode) if used_for in r.used_for and r.active
        ]
        raise UnknownReason(
            "reason_code", code, f"is no reason for {used_for}; use one of {', '.join(known)}", known=known
        )
    return reason


def missing(code: str) -> Missing:
    """There is no such reason."""
    return Missing("reason code", code)
