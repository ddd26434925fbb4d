"""Stock over HTTP: what is there, how it came to be so, and what moves it."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from litestar import Response, get, patch, post
from litestar.params import Parameter

from perpetua.access.types import Actor
from perpetua.kit.clock import Clock
from perpetua.kit.database import Database
from perpetua.kit.errors import InvalidValue
from perpetua.kit.http import IdempotencyKey, IfMatch, Moment, PathId, QueryId, etag, reply, version_of
from perpetua.kit.idempotency import Answered
from perpetua.kit.listing import Page, PageRequest
from perpetua.ledger import service
from perpetua.ledger.types import (
    Adjust,
    AdjustmentRequest,
    Correct,
    Decide,
    IntegrityCheck,
    ItemLevel,
    Movement,
    MovementFilters,
    Position,
    Posted,
    ReasonCode,
    ReasonCodeChange,
    Receive,
    ReceiveTransfer,
    Return,
    Sell,
    StockFilters,
    TransactionType,
    Transfer,
    TransferDocument,
    WriteOff,
)  # fmt: skip

__all__ = ["handlers"]

Text = Annotated[str | None, Parameter(max_length=200)]
TransferStatus = Literal["IN_TRANSIT", "RECEIVED", "CLOSED_SHORT", "CANCELLED"]
RequestStatus = Literal["PENDING", "APPROVED", "REJECTED", "WITHDRAWN"]


class ItemStock(msgspec.Struct, frozen=True, kw_only=True):
    """A product's stock: the five quantities of each variant, and where each lies."""

    product_id: int
    positions: list[Position]
    levels: list[ItemLevel]


@get("/api/inventory", tags=["stock"])
async def list_stock(
    db: Database, actor: Actor, page: PageRequest, moment: Moment, clock: Clock, location: Text = None,
    sku: Text = None, category_id: QueryId = None, owner_id: QueryId = None, with_zero: bool = False,
) -> Page[Position]:  # fmt: skip
    """Stock by item: on hand, available, allocated, reserved, on order and in transit, in a place with all below it (or
    everywhere), now or at any moment (`as_of`, `known_at`). Sorted by SKU.
    """
    filters = StockFilters(
        location=location, sku=sku, category_id=category_id, owner_id=owner_id, with_zero=with_zero, as_of=moment.as_of,
        known_at=moment.known_at,
    )  # fmt: skip
    return await service.list_stock(db, actor, filters, page, clock=clock)


@get("/api/inventory/{product_id:int}", tags=["stock"])
async def product_stock(
    db: Database, actor: Actor, product_id: PathId, moment: Moment, clock: Clock, with_zero: bool = False
) -> ItemStock:
    """Stock of one product: each variant's quantities, and where it lies, now or at any moment."""
    times = {"as_of": moment.as_of, "known_at": moment.known_at}
    positions = await service.stock_of(db, actor, product_id, **times, clock=clock)
    levels = await service.item_levels(
        db, actor, [p.variant_id for p in positions], **times, with_zero=with_zero, clock=clock
    )
    return ItemStock(product_id=product_id, positions=positions, levels=levels)


@get("/api/stock-movements", tags=["stock"])
async def list_movements(
    db: Database, actor: Actor, page: PageRequest, moment: Moment, sku: Text = None, variant_id: QueryId = None,
    location: Text = None,
    type_: Annotated[list[TransactionType] | None, Parameter(query="type", max_items=20)] = None,
    posting_id: QueryId = None, reference_type: Text = None, reference_id: Text = None, reason_code: Text = None,
    actor_id: QueryId = None, since: datetime | None = None, until: datetime | None = None,
) -> Page[Movement]:  # fmt: skip
    """The ledger: rows of one item as they happened, or of all as they were written; newest first."""
    filters = MovementFilters(
        sku=sku, variant_id=variant_id, location=location, types=type_, posting_id=posting_id,
        reference_type=reference_type, reference_id=reference_id, reason_code=reason_code, actor_id=actor_id,
        since=since, until=until, known_at=moment.known_at,
    )  # fmt: skip
    return await service.list_movements(db, actor, filters, page)


@get("/api/stock-movements/{row_id:int}", tags=["stock"])
async def get_movement(db: Database, actor: Actor, row_id: PathId) -> Movement:
    """One row of the ledger, with who wrote it, why, and what corrected it."""
    return await service.get_movement(db, actor, row_id)


@post("/api/stock-movements/{row_id:int}/correct", tags=["stock"])
async def correct(
    db: Database, actor: Actor, row_id: PathId, data: Correct, clock: Clock, idempotency_key: IdempotencyKey = None
) -> Response[Posted]:
    """Correct a row: it stays, a new row takes it back, another says what is right. A transfer's halves go together."""
    return _posted(await service.correct(db, actor, row_id, data, key=idempotency_key, clock=clock))


@post("/api/inventory/receive", tags=["stock"])
async def receive(
    db: Database, actor: Actor, data: Receive, clock: Clock, idempotency_key: IdempotencyKey = None
) -> Response[Posted]:
    """Stock comes in from outside. Lots and serials not seen before are made."""
    return _posted(await service.receive(db, actor, data, key=idempotency_key, clock=clock))


@post("/api/inventory/adjust", tags=["stock"], responses={})
async def adjust(
    db: Database,
    actor: Actor,
    data: Adjust,
    clock: Clock,
    idempotency_key: IdempotencyKey = None,
    if_match: IfMatch = None,
) -> Response[Posted]:
    """Put on hand right, with a reason: by a change, or by what was counted.

    `If-Match` (one line) or `version` (each line) is the level's version when it was looked at: changed since, 412.
    Above the reason's threshold the command waits for a second person: 202 with a `request_id`.
    """
    if if_match is not None:
        if len(data.lines) != 1:
            raise InvalidValue("If-Match", if_match, "fits one line; with more, give each its version")
        line = msgspec.structs.replace(data.lines[0], version=version_of(if_match))
        data = msgspec.structs.replace(data, lines=[line])
    return _posted(await service.adjust(db, actor, data, key=idempotency_key, clock=clock))


@post("/api/inventory/write-off", tags=["stock"])
async def write_off(
    db: Database, actor: Actor, data: WriteOff, clock: Clock, idempotency_key: IdempotencyKey = None
) -> Response[Posted]:
    """Write stock off, with a reason. Above the reason's threshold it waits for a second person (202)."""
    return _posted(await service.write_off(db, actor, data, key=idempotency_key, clock=clock))


@post("/api/inventory/sell", tags=["stock"])
async def sell(
    db: Database, actor: Actor, data: Sell, clock: Clock, idempotency_key: IdempotencyKey = None
) -> Response[Posted]:
    """Stock goes out, sold outside of an order (over the counter, say)."""
    return _posted(await service.sell(db, actor, data, key=idempotency_key, clock=clock))


@post("/api/inventory/return", tags=["stock"])
async def return_(
    db: Database, actor: Actor, data: Return, clock: Clock, idempotency_key: IdempotencyKey = None
) -> Response[Posted]:
    """A customer's goods come back (`direction` in), or ours go back to their vendor (out)."""
    return _posted(await service.return_(db, actor, data, key=idempotency_key, clock=clock))


@post("/api/inventory/transfer", tags=["stock"])
async def transfer(
    db: Database, actor: Actor, data: Transfer, clock: Clock, idempotency_key: IdempotencyKey = None
) -> Response[Posted]:
    """Move stock. With `two_step` it is in transit until received; the answer's `transfer_id` is what to receive."""
    return _posted(await service.transfer(db, actor, data, key=idempotency_key, clock=clock))


@get("/api/transfers", tags=["stock"])
async def list_transfers(
    db: Database, actor: Actor, page: PageRequest, status: TransferStatus | None = None
) -> Page[TransferDocument]:
    """Two-step transfers, newest first, without their lines."""
    return await service.list_transfers(db, actor, page, status=status)


@get("/api/transfers/{transfer_id:int}", tags=["stock"])
async def get_transfer(db: Database, actor: Actor, transfer_id: PathId) -> TransferDocument:
    """A two-step transfer with its lines: sent, received, returned, lost."""
    return await service.get_transfer(db, actor, transfer_id)


@post("/api/transfers/{transfer_id:int}/receive", tags=["stock"])
async def receive_transfer(
    db: Database, actor: Actor, transfer_id: PathId, data: ReceiveTransfer, clock: Clock,
    idempotency_key: IdempotencyKey = None,
) -> Response[Posted]:  # fmt: skip
    """The second step: what came, and what was lost. Without `lines`, all that is still on its way has come."""
    return _posted(await service.receive_transfer(db, actor, transfer_id, data, key=idempotency_key, clock=clock))


@post("/api/transfers/{transfer_id:int}/cancel", tags=["stock"])
async def cancel_transfer(
    db: Database, actor: Actor, transfer_id: PathId, clock: Clock, idempotency_key: IdempotencyKey = None
) -> Response[Posted]:
    """What is still in transit goes back to where it came from."""
    return _posted(await service.cancel_transfer(db, actor, transfer_id, key=idempotency_key, clock=clock))


@get("/api/adjustment-requests", tags=["stock"])
async def list_requests(
    db: Database, actor: Actor, page: PageRequest, status: RequestStatus | None = None
) -> Page[AdjustmentRequest]:
    """Commands above their reason's threshold, newest first."""
    return await service.list_requests(db, actor, page, status=status)


@post("/api/adjustment-requests/{request_id:int}/approve", tags=["stock"])
async def approve(
    db: Database, actor: Actor, request_id: PathId, data: Decide, idempotency_key: IdempotencyKey = None
) -> Response[Posted]:
    """Let it pass: it is posted in the name of who asked, approved by you. Not for who asked."""
    return _posted(await service.approve(db, actor, request_id, data, key=idempotency_key))


@post("/api/adjustment-requests/{request_id:int}/reject", tags=["stock"], status_code=204)
async def reject(db: Database, actor: Actor, request_id: PathId, data: Decide) -> None:
    """Refuse it: nothing is posted."""
    await service.reject(db, actor, request_id, data)


@post("/api/adjustment-requests/{request_id:int}/withdraw", tags=["stock"], status_code=204)
async def withdraw(db: Database, actor: Actor, request_id: PathId) -> None:
    """Take your own request back."""
    await service.withdraw(db, actor, request_id)


@get("/api/reason-codes", tags=["stock"])
async def list_reasons(db: Database, actor: Actor) -> list[ReasonCode]:
    """Why stock may be put right, and above what that needs a second person."""
    return await service.list_reasons(db, actor)


@patch("/api/reason-codes/{code:str}", tags=["stock"])
async def change_reason(
    db: Database,
    actor: Actor,
    code: Annotated[str, Parameter(max_length=40)],
    data: ReasonCodeChange,
    if_match: IfMatch = None,
) -> Response[ReasonCode]:
    """Change a reason code's name, use or thresholds; makes it where there is none."""
    version = version_of(if_match) if if_match is not None else None
    changed = await service.change_reason(db, actor, code, data, version=version)
    return Response(changed, headers={"ETag": etag(changed.version)})


@get("/api/integrity/checks", tags=["integrity"])
async def list_checks(db: Database, actor: Actor, page: PageRequest) -> Page[IntegrityCheck]:
    """Integrity checks that were run (each night, and by `perpetua check`), newest first, with what they found."""
    return await service.list_checks(db, actor, page)


def _posted(answered: Answered[Posted]) -> Response[Posted]:
    """201, or 202 where the command waits for approval."""
    return reply(answered, status_code=202 if answered.answer.waits_because else 201)


handlers = [
    list_stock, product_stock, list_movements, get_movement, correct, receive, adjust, write_off, sell, return_,
    transfer, list_transfers, get_transfer, receive_transfer, cancel_transfer, list_requests, approve, reject, withdraw,
    list_reasons, change_reason, list_checks,
]  # fmt: skip
