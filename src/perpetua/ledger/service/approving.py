"""Commands above their reason's threshold wait for a second person."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec

from perpetua.access import service as access
from perpetua.access.types import Actor
from perpetua.kit import json
from perpetua.kit.database import Database, Tx
from perpetua.kit.errors import Conflict, Missing, NotAllowed
from perpetua.kit.idempotency import Answered, once
from perpetua.kit.listing import Page, PageRequest, page_of
from perpetua.ledger import rules, store
from perpetua.ledger.service.posting import post
from perpetua.ledger.types import AdjustmentRequest, Decide, Posted, PostingDraft, ReasonCode
from perpetua.places import service as places

__all__ = ["approve", "list_requests", "post_or_ask", "reject", "withdraw"]


class RequestClosed(Conflict):
    """The request was decided before."""

    code = "request_closed"
    title = "Already decided"
    sentence = "Request {request_id} is {status}."


class OwnRequest(NotAllowed):
    """Who asked cannot be who approves."""

    code = "own_request"
    title = "Somebody else must approve this"
    sentence = "You asked for it yourself."
    remedy = "Let a second person decide."


class _Request(msgspec.Struct, frozen=True, kw_only=True):
    id: int
    status: str
    command: str
    body: Any
    path_sites: list[int]
    why: str
    requested_by: int
    version: int


async def post_or_ask(
    tx: Tx,
    actor: Actor,
    draft: PostingDraft,
    reason: ReasonCode,
    cost_prices: Mapping[int, Decimal | None],
    *,
    key: str | None,
) -> Posted:
    """Post; or, above the reason's threshold, keep the command until somebody who may approves it."""
    why = rules.why_approval(reason, draft.rows, cost_prices)
    if why is None or actor.may("stock.approve"):
        approved_by = actor.person_id if why else None
        return await post(tx, actor, msgspec.structs.replace(draft, approved_by=approved_by), key=key)
    asked = {
        "command": draft.command,
        "body": json.dumps(draft).decode(),
        "location_ids": sorted({row.location_id for row in draft.rows}),
        "why": why,
        "requested_by": actor.person_id,
    }
    request_id = await tx.value(store.Q["make_request"], asked)
    return Posted(effective_at=draft.effective_at, rows=len(draft.rows), request_id=request_id, waits_because=why)


async def list_requests(
    db: Database, actor: Actor, page: PageRequest, *, status: str | None = None
) -> Page[AdjustmentRequest]:
    """Requests, newest first: all of the actor's places for who may approve, else the actor's own alone."""
    actor.require("stock.read")
    after = page.after(int)
    async with db.transaction() as tx:
        found = await tx.rows(
            store.Q["requests"],
            {"status": status, "request_id": None, "after": after[0] if after else None, "scope": actor.scope_ids,
             "limit": page.limit + 1},
            as_=AdjustmentRequest,
        )  # fmt: skip
    shown = [_for(actor, request) for request in found]
    return page_of(shown, page, lambda request: [request.id])


async def approve(
    db: Database, actor: Actor, request_id: int, decision: Decide, *, key: str | None = None
) -> Answered[Posted]:
    """Post what was asked, as the one who asked, approved by the actor."""
    actor.require("stock.approve")

    async def act(tx: Tx) -> Posted:
        request = await _open(tx, actor, request_id)
        if request.requested_by == actor.person_id:
            raise OwnRequest(permission="stock.approve", request_id=request_id)
        draft = msgspec.convert(request.body, PostingDraft, strict=False)
        draft = msgspec.structs.replace(draft, approved_by=actor.person_id)
        # Posted in the name of who asked: the ledger's row says who did it, and who let it pass.
        asked = msgspec.structs.replace(actor, person_id=request.requested_by)
        posted = await post(tx, asked, draft)
        await _close(tx, actor, request, "APPROVED", decision.note, posted.posting_id)
        return msgspec.structs.replace(posted, request_id=request_id)

    return await once(
        db, sender=actor.person_id, key=key, command="approve", body=[request_id, decision], answer=Posted, act=act
    )


async def reject(db: Database, actor: Actor, request_id: int, decision: Decide) -> None:
    """Refuse what was asked; nothing is posted."""
    actor.require("stock.approve")

    async def act(tx: Tx) -> None:
        await _close(tx, actor, await _open(tx, actor, request_id), "REJECTED", decision.note, None)

    await db.run(act)


async def withdraw(db: Database, actor: Actor, request_id: int) -> None:
    """Who asked takes it back."""
    actor.require("stock.read")

    async def act(tx: Tx) -> None:
        request = await _open(tx, actor, request_id)
        if request.requested_by != actor.person_id:
            raise NotAllowed(permission="stock.approve", request_id=request_id)
        await _close(tx, actor, request, "WITHDRAWN", None, None)

    await db.run(act)


async def _open(tx: Tx, actor: Actor, request_id: int) -> _Request:
    request = await tx.maybe(store.Q["lock_request"], {"request_id": request_id}, as_=_Request)
    if request is None:
        raise Missing("request", request_id)
    for place in (await places.by_ids(tx, request.path_sites)).values():
        actor.require_place(place.path, place.code)
    if request.status != "PENDING":
        raise RequestClosed(request_id=request_id, status=request.status)
    return request


async def _close(
    tx: Tx, actor: Actor, request: _Request, status: str, note: str | None, posting_id: int | None
) -> None:
    decision = {
        "request_id": request.id,
        "status": status,
        "decided_by": actor.person_id,
        "note": note,
        "posting_id": posting_id,
    }
    await tx.execute(store.Q["decide_request"], decision)
    after = {"status": status, "note": note, "posting_id": posting_id}
    await access.audit(tx, actor, "adjustment_request", request.id, status.lower(), {"status": request.status}, after)


def _for(actor: Actor, request: AdjustmentRequest) -> AdjustmentRequest:
    if actor.sees_costs:
        return request
    rows = [{**row, "unit_cost": None} for row in request.body.get("rows", [])]
    return msgspec.structs.replace(request, body={**request.body, "rows": rows})
