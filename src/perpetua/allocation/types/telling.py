"""The rules as people keep them, why decisions fell as they did, and what a manager decides instead."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

import msgspec

from perpetua.allocation.types.deciding import Action, Rules
from perpetua.orders.types import Fulfilment

__all__ = [
    "DecisionRow",
    "Explained",
    "ExplainedLine",
    "Jump",
    "RuleChange",
    "RulesVersion",
    "ServiceLevel",
    "SetRules",
    "TakeStock",
    "Taking",
]


class SetRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The rules of allocation as they are to be from now on, and why."""

    rules: Rules
    note: str | None = None


class RuleChange(msgspec.Struct, frozen=True, kw_only=True):
    """A rule that would be another; null: it is not there."""

    field: str
    before: str | None
    after: str | None


class RulesVersion(msgspec.Struct, frozen=True, kw_only=True):
    """The rules as they were from then until the next version."""

    version: int
    rules: Rules
    note: str | None
    created_by: int
    by: str
    created_at: datetime


class ServiceLevel(msgspec.Struct, frozen=True, kw_only=True):
    """Of the lines that a channel's buyers of a tier asked for, how many were allocated at once, in full.

    `share`, `units_share` and `target` are between 0 and 1; `target` is the tier's `service_level`.
    """

    channel: str
    tier: str | None
    lines: int
    at_once: int
    share: Decimal
    units_share: Decimal
    target: Decimal | None


class DecisionRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the audit log: what was decided, by whom, from which numbers. `says`: the same in words."""

    id: int
    at: datetime
    actor_id: int
    actor: str
    action: Action
    order_id: int | None
    line_no: int | None
    reservation_id: int | None
    sku: str
    asked: Decimal
    given: Decimal
    config_version: int
    facts: dict[str, Any]
    reason: str | None
    says: str = ""


class ExplainedLine(msgspec.Struct, frozen=True, kw_only=True):
    """Why a line has what it has. `decided`: when it came; `later`: all since then.

    `lines_before`, `units_before`: what waits for the same item now and comes first.
    """

    line_no: int
    sku: str
    quantity: Decimal
    allocated: Decimal
    backordered: Decimal
    expected_on: str | None
    lines_before: int
    units_before: Decimal
    decided: DecisionRow | None
    later: list[DecisionRow]
    says: str


class Explained(msgspec.Struct, frozen=True, kw_only=True):
    """Why an order has what it has, line by line. `rules`: those it was decided by."""

    order_id: int
    number: str
    channel: str
    tier: str | None
    fulfilment: Fulfilment
    jumps: int
    rules: RulesVersion | None
    lines: list[ExplainedLine]


class Taking(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """So much of what another order's line has allocated goes to this order's line of the same item."""

    line_no: int
    from_order_id: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
    from_line_no: int
    quantity: Decimal


class TakeStock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An order is given what others have, whatever the rules say: by whom and why is kept."""

    reason: str
    takes: list[Taking]


class Jump(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An order is put before all others that wait; with `back`, into its own place again."""

    reason: str
    back: bool = False
