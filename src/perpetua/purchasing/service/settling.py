"""What becomes of an invoice: decisions about lines that differ, release for payment, void. And what may differ.

Locks: the orders that the invoice is for, by their ids; then the invoice with those that are matched with it, by
theirs.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from perpetua.access.service import Change, audit, audit_many
from perpetua.access.types import Actor
from perpetua.kit import json
from perpetua.kit.database import Database, Queries, Tx, array
from perpetua.kit.errors import InvalidValue, Stale
from perpetua.kit.idempotency import Answered, once
from perpetua.purchasing import rules, store
from perpetua.purchasing.errors import NeedsPerson
from perpetua.purchasing.errors.invoices import (
    InvoiceFlagged,
    InvoiceState,
    NothingToDecide,
    SecondPerson,
    UnknownInvoiceLine,
)
from perpetua.purchasing.rules import matching
from perpetua.purchasing.service.invoice_reading import facts_of, seen_invoice, shown_invoice
from perpetua.purchasing.tables import match_settings
from perpetua.purchasing.types.invoices import (
    Decide,
    Invoice,
    InvoiceLine,
    MatchSettings,
    ReleaseInvoice,
    SetMatchSettings,
    VoidInvoice,
)

__all__ = ["decide_invoice", "get_match_settings", "release_invoice", "set_match_settings", "void_invoice", "void_many"]

Q = Queries(store.__file__, "invoices.sql")


async def decide_invoice(
    db: Database, actor: Actor, invoice_id: int, command: Decide, *, version: int, key: str | None = None
) -> Answered[Invoice]:
    """Decide about lines that differ, each with its reason. It counts as long as nothing becomes worse than it was
    then: goods that are taken back, or an earlier invoice for the same goods, ask for it anew.

    Raises:
        Missing, Stale, InvalidValue
        InvoiceState: it is released or void.
        UnknownInvoiceLine, NothingToDecide
        NeedsPerson: a program asks.
        SecondPerson: who entered the invoice accepts what differs.
    """
    actor.require("invoices.release")
    if not command.lines or len({line.line_no for line in command.lines}) < len(command.lines):
        raise InvalidValue("lines", len(command.lines), "name each line once, and at least one")
    for at, line in enumerate(command.lines):
        rules.check_text(f"lines[{at}].reason", line.reason, 500)

    async def act(tx: Tx) -> Invoice:
        before = await _locked(tx, actor, invoice_id, version)
        if not rules.is_person(actor):
            raise NeedsPerson(number=f"invoice {before.number}", via=actor.via)
        facts = await facts_of(tx, before)
        lines = {line.line_no: line for line in before.lines}
        rows: list[dict[str, Any]] = []
        for at, asked in enumerate(command.lines):
            line = lines.get(asked.line_no)
            if line is None:
                raise UnknownInvoiceLine(f"lines[{at}].line_no", asked.line_no)
            _check_decision(actor, before, line, asked.decision)
            fact = facts[line.line_no]
            assert not isinstance(line.tax, msgspec.UnsetType)  # it was read whole
            rows.append({
                "id": line.id, "decision": asked.decision, "reason": asked.reason,
                "counted": matching.agreed_quantity(asked.decision, fact),
                "agreed": matching.agreed(asked.decision, fact, line.tax),
            })  # fmt: skip
        await tx.execute(Q["decide_lines"], {"rows": json.dumps(rows).decode(), "person_id": actor.person_id})
        await tx.execute(Q["touch_invoice"], {"id": invoice_id})
        await tx.execute(Q["rematch"], {"ids": array([invoice_id])})
        after = await seen_invoice(tx, actor, invoice_id)
        said = {"lines": [msgspec.structs.asdict(line) for line in command.lines]}
        await audit(tx, actor, "supplier_invoice", invoice_id, "decided", None, said)
        return after

    return await _once(db, actor, "decide_invoice", [invoice_id, version, command], key, act)


async def release_invoice(
    db: Database, actor: Actor, invoice_id: int, command: ReleaseInvoice, *, version: int, key: str | None = None
) -> Answered[Invoice]:
    """Release an invoice for payment: `payable` of it.

    Raises:
        Missing, Stale
        InvoiceState: it is released already, or void.
        InvoiceFlagged: a line differs and nobody decided, or goods have not come.
    """
    actor.require("invoices.release")

    async def act(tx: Tx) -> Invoice:
        before = await _locked(tx, actor, invoice_id, version)
        if before.flagged or before.waiting:
            open_lines = [
                {"line_no": line.line_no, "state": line.state, "problems": line.problems}
                for line in before.lines if line.state in matching.FLAGS or line.state == "NOT_RECEIVED"
            ]  # fmt: skip
            raise InvoiceFlagged(invoice_id=invoice_id, number=before.number, flagged=before.flagged,
                                 waiting=before.waiting, lines=open_lines[:100])  # fmt: skip
        said = {"id": invoice_id, "payable": before.payable, "person_id": actor.person_id}
        await tx.execute(Q["release_invoice"], said)
        after = await seen_invoice(tx, actor, invoice_id)
        await audit(tx, actor, "supplier_invoice", invoice_id, "released", {"status": before.status},
                    {"status": after.status})  # fmt: skip
        return after

    return await _once(db, actor, "release_invoice", [invoice_id, version, command], key, act)


async def void_invoice(
    db: Database, actor: Actor, invoice_id: int, command: VoidInvoice, *, version: int, key: str | None = None
) -> Answered[Invoice]:
    """Make an invoice void that was not released: nothing of it counts, and its number may be entered anew.

    Raises:
        Missing, Stale, InvalidValue
        InvoiceState: it is released, or void already.
    """
    actor.require("invoices.write")
    rules.check_text("reason", command.reason, 500)

    async def act(tx: Tx) -> Invoice:
        before = await _locked(tx, actor, invoice_id, version)
        said = {"id": invoice_id, "person_id": actor.person_id, "reason": command.reason}
        await tx.execute(Q["void_invoice"], said)
        await tx.execute(Q["rematch"], {"ids": array([invoice_id])})
        await audit(tx, actor, "supplier_invoice", invoice_id, "voided", {"status": before.status},
                    {"status": "VOID", "reason": command.reason})  # fmt: skip
        return await seen_invoice(tx, actor, invoice_id)

    return await _once(db, actor, "void_invoice", [invoice_id, version, command], key, act)


async def void_many(tx: Tx, actor: Actor, ids: Sequence[int], reason: str) -> int:
    """Make invoices void that are neither released nor void, in a number of statements that does not grow; how many."""
    actor.require("invoices.write")
    asked = {"ids": array(list(ids)) or "{}"}
    await tx.values(Q["lock_orders_of"], asked)
    await tx.values(Q["lock_invoices"], asked)
    done: list[int] = await tx.values(Q["void_many"], {**asked, "person_id": actor.person_id, "reason": reason})
    await tx.execute(Q["rematch"], {"ids": array(done) or "{}"})
    said = {"status": "VOID", "reason": reason}
    await audit_many(tx, actor, "supplier_invoice", [Change(id=one, action="voided", after=said) for one in done])
    return len(done)


async def get_match_settings(db: Database, actor: Actor) -> MatchSettings:
    """What an invoice may differ by without a question, now."""
    actor.require("invoices.read")
    async with db.snapshot() as tx:
        return MatchSettings(**(await tx.dicts(Q["match_settings"]))[0])


async def set_match_settings(
    db: Database, actor: Actor, command: SetMatchSettings, *, version: int, key: str | None = None
) -> Answered[MatchSettings]:
    """Set it for invoices entered from now on; those that are there keep what they were entered under.

    Raises:
        InvalidValue, Stale
    """
    actor.require("purchasing.configure")
    matching.check_match_settings(command)

    async def act(tx: Tx) -> MatchSettings:
        await tx.execute(Q["lock_match_settings"])
        before = MatchSettings(**(await tx.dicts(Q["match_settings"]))[0])
        if version != before.version:
            raise Stale(what="match settings", key="", sent=version, current=before.version)
        fields = msgspec.structs.asdict(command)
        await tx.execute(sa.insert(match_settings).values(**fields, created_by=actor.person_id))
        after = MatchSettings(**(await tx.dicts(Q["match_settings"]))[0])
        await audit(tx, actor, "match_settings", after.version, "set", {n: getattr(before, n) for n in fields}, fields)
        return after

    sent: dict[str, Any] = {"command": "purchasing.set_match_settings", "body": [version, command]}
    return await once(db, sender=actor.person_id, key=key, **sent, answer=MatchSettings, act=act)


async def _locked(tx: Tx, actor: Actor, invoice_id: int, version: int) -> Invoice:
    """The invoice under lock, for a change. Raises Missing, Stale, InvoiceState."""
    asked = {"ids": array([invoice_id])}
    await tx.values(Q["lock_orders_of"], asked)
    await tx.values(Q["lock_invoices"], asked)
    invoice = await seen_invoice(tx, actor, invoice_id)
    if invoice.status in {"RELEASED", "VOID"}:
        raise InvoiceState(invoice_id=invoice_id, number=invoice.number, invoice_status=invoice.status)
    if version != invoice.version:
        raise Stale(what="supplier invoice", key=invoice_id, sent=version, current=invoice.version)
    return invoice


def _check_decision(actor: Actor, invoice: Invoice, line: InvoiceLine, decision: str) -> None:
    if not line.problems and line.decision is None:
        raise NothingToDecide(number=invoice.number, line_no=line.line_no)
    if decision == "accept" and actor.person_id == invoice.created_by:
        raise SecondPerson(number=invoice.number, line_no=line.line_no)


async def _once(db: Database, actor: Actor, name: str, body: Any, key: str | None, act: Any) -> Answered[Invoice]:
    sent: dict[str, Any] = {"command": f"purchasing.{name}", "body": body}
    done = await once(db, sender=actor.person_id, key=key, **sent, answer=Invoice, act=act)
    return Answered(shown_invoice(actor, done.answer), done.replayed)
