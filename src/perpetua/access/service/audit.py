"""The audit trail: who changed what, from what to what.

Always true:
- A change to people, items or places and its row in the trail are in one transaction: both are there, or neither.
- A row is never changed or removed, by nobody.
- A row never holds a secret; fields that hold a cost are named in it, and kept from readers without `costs.read`; what
  suppliers ask for their goods, from those without `supplier_prices.read`.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
import structlog

from perpetua.access import rules, store
from perpetua.access.types import Actor, AuditEntry, AuditFilters
from perpetua.kit import json
from perpetua.kit.database import Database, Tx
from perpetua.kit.listing import Page, PageRequest, page_of

__all__ = ["Change", "audit", "audit_many", "audit_override", "list_audit"]

BUYING: Final = frozenset({"purchase_order", "supplier_item"})
"""Kinds of things whose costs are suppliers' prices."""

Values = Mapping[str, Any] | msgspec.Struct | None


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What happened to one thing.

    `before` is None where the thing was made, `after` where it was removed. `path` is where it lies (place ids from
    the site down), for what lies somewhere: readers confined to places are shown the changes of theirs alone.
    """

    id: int | str
    action: str
    before: Values = None
    after: Values = None
    path: Sequence[int] | None = None


async def audit(
    tx: Tx,
    actor: Actor,
    kind: str,
    id: int | str,  # noqa: A002
    action: str,
    before: Values = None,
    after: Values = None,
    *,
    path: Sequence[int] | None = None,
) -> None:
    """Write one change into the trail, in the caller's transaction; nothing where nothing changed.

    Args:
        tx: the transaction in which the change itself is made.
        actor: who does it.
        kind: what was changed, singular: "person", "product", "place".
        id: its id, or its code where it has no id.
        action: what was done, past tense: "created", "updated", "moved".
        before: its fields before, None where it was made; whole or only the changed ones.
        after: its fields after, None where it was removed.
        path: where it lies (place ids from the site down to it); None for what lies nowhere in particular.
    """
    await audit_many(tx, actor, kind, [Change(id=id, action=action, before=before, after=after, path=path)])


async def audit_many(tx: Tx, actor: Actor, kind: str, changes: Sequence[Change]) -> None:
    """Write many changes of things of one kind, in one statement; those that changed nothing are left out."""
    rows = [row for change in changes if (row := _row(change))]
    if rows:
        await store.write_audit(tx, actor, kind, rows, _request_id())


async def audit_override(tx: Tx, actor: Actor, what: str, reason: str, *, facts: Values = None) -> None:
    """Write down that the actor set aside what the system would have refused or done otherwise.

    Args:
        tx: the transaction of the command that was let through.
        actor: the manager; the caller has checked the right to do so.
        what: the rule or decision set aside, in few words ("negative stock at A-01-01").
        reason: why, in the manager's words.
        facts: numbers the decision was made on.
    """
    said = {"reason": reason, **(_plain(facts) or {})}
    await audit_many(tx, actor, "override", [Change(id=what, action="overridden", after=said)])


async def list_audit(db: Database, actor: Actor, filters: AuditFilters, page: PageRequest) -> Page[AuditEntry]:
    """The trail, the newest first; of things that lie somewhere, those in the actor's places.

    Raises:
        NotAllowed
    """
    actor.require("audit.read")
    async with db.snapshot() as tx:
        rows = await store.list_audit(tx, filters, actor.scope_ids, page)
    read = page_of(rows, page, lambda row: [row.id])
    return Page(items=[_shown(row, actor) for row in read.items], next_cursor=read.next_cursor)


def _shown(row: store.AuditRow, actor: Actor) -> AuditEntry:
    sees = actor.may("supplier_prices.read") if row.kind in BUYING else actor.sees_costs
    hidden = [] if sees else row.costs
    return AuditEntry(
        id=row.id, at=row.at, actor_id=row.actor_id, actor=row.actor, via=row.via, kind=row.kind,
        subject_id=row.subject_id, action=row.action, before=rules.without_costs(row.before, hidden),
        after=rules.without_costs(row.after, hidden), request_id=row.request_id, hidden=hidden,
    )  # fmt: skip


def _row(change: Change) -> dict[str, Any] | None:
    before, after, costs = rules.diff(_plain(change.before), _plain(change.after))
    if before is not None and after is not None and not (before or after):
        return None
    return {
        "subject_id": str(change.id),
        "action": change.action,
        "before": before,
        "after": after,
        "costs": costs,
        "path": None if change.path is None else list(change.path),
    }


def _plain(values: Values) -> dict[str, Any] | None:
    return None if values is None else json.plain(values)


def _request_id() -> str | None:
    """The id that the web layer gave to the request at hand, as its log lines carry it."""
    found = structlog.contextvars.get_contextvars().get("request_id")
    return None if found is None else str(found)
