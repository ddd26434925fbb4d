"""What purchasing refuses, with the facts its reader needs. No fact holds a price."""

from typing import Any

from perpetua.kit.errors import Conflict, InvalidValue, TooLarge

__all__ = [
    "AboveOpen", "ApprovalNeeded", "ApprovedAlready", "BelowReceived", "ChangeWaits", "CurrencyFixed",
    "ExternalIdTaken", "NeedsPerson", "NoPrice", "NotOrdered", "NothingToSend", "NothingWaits", "OffPack",
    "OrderState", "PreferredTaken", "SupplierItemThere", "TooManyLines", "UnknownItems", "UnknownLine",
]  # fmt: skip


class UnknownItems(InvalidValue):
    """SKUs that cannot be bought; `unknown` lists {line, field, value, reason}."""

    code = "unknown_items"
    title = "Items that cannot be bought"

    def __init__(self, unknown: list[dict[str, Any]]) -> None:
        first = unknown[0]
        super().__init__(
            str(first["field"]), str(first["value"]), str(first["reason"]), line=first["line"], unknown=unknown[:100],
            unknown_count=len(unknown),
        )  # fmt: skip


class OffPack(Conflict):
    """Below the minimum, or no multiple of the pack. Facts: sku, asked, min_order_qty, pack_multiple, nearest."""

    code = "off_pack"
    title = "Not what the supplier sells at once"
    sentence = "{sku}: asked {asked}; at least {min_order_qty}, in multiples of {pack_multiple}."
    remedy = "Order {nearest}, or say allow_off_pack."


class NoPrice(InvalidValue):
    """The supplier's prices say nothing for this quantity."""

    code = "no_price"
    title = "No price is known"

    def __init__(self, field: str, sku: str, **facts: Any) -> None:
        super().__init__(
            field, "", f"the supplier's prices say nothing of {sku} in this quantity; give one", sku=sku, **facts
        )


class OrderState(Conflict):
    """The order is too far, or not far enough, for what was asked. Facts: po_id, number, po_status, reason."""

    code = "order_state"
    title = "Not in the order's state"
    sentence = "{number} is {po_status}: {reason}."
    remedy = "Read it again: what can be done follows from its lines."


class NeedsPerson(Conflict):
    """Only a person approves: not the system, and no program with an API token. Facts: number, via."""

    code = "needs_person"
    title = "A person must approve it"
    sentence = "{number} must be approved by a person who signed in, and this came by {via}."
    remedy = "Sign in and approve it yourself."


class ApprovedAlready(Conflict):
    """The same person has approved it. Facts: number, missing."""

    code = "approved_already"
    title = "You have approved it already"
    sentence = "{number} has your approval; {missing} more must come from others."
    remedy = "Ask somebody else with purchasing.approve."


class ApprovalNeeded(Conflict):
    """It has not been approved by enough people. Facts: number, needed, given."""

    code = "approval_needed"
    title = "It must be approved first"
    sentence = "{number} needs {needed} approvals, and has {given}."
    remedy = "Ask for approval, then submit it."


class ChangeWaits(Conflict):
    """A change of it waits for approval. Facts: number."""

    code = "change_waits"
    title = "A change waits for approval"
    sentence = "A change of {number} waits for approval."
    remedy = "Have it approved, or withdraw it, first."


class NothingWaits(Conflict):
    """No change of it waits for approval. Facts: number."""

    code = "nothing_waits"
    title = "No change waits"
    sentence = "No change of {number} waits for approval."


class BelowReceived(Conflict):
    """Less than has come of a line, or was cancelled. Facts: number, line_no, asked, received, cancelled."""

    code = "below_received"
    title = "Less than what has come"
    sentence = "{number} line {line_no}: asked {asked}, but {received} came and {cancelled} were cancelled."


class TooManyLines(TooLarge):
    """The order would have too many lines. Facts: number, limit."""

    def __init__(self, *, number: str, limit: int) -> None:
        super().__init__(reason=f"{number} would have more than {limit} lines; order the rest by itself.", limit=limit)


class AboveOpen(Conflict):
    """More than is open of a line. Facts: number, line_no, asked, open."""

    code = "above_open"
    title = "More than is open"
    sentence = "{number} line {line_no}: asked {asked}, open {open}."


class UnknownLine(InvalidValue):
    """The order has no such line."""

    code = "unknown_line"
    title = "No such line"

    def __init__(self, field: str, line_no: int, number: str) -> None:
        super().__init__(field, line_no, f"is no line of {number}")


class NotOrdered(Conflict):
    """Goods cannot be taken in for these lines: not ordered, or less came than is taken back. Facts: lines."""

    code = "not_ordered"
    title = "Not ordered, or not received"
    sentence = "These lines cannot take that: {lines}."


class NothingToSend(Conflict):
    """Only what is on order goes to its supplier. Facts: number, po_status."""

    code = "nothing_to_send"
    title = "It is not on order"
    sentence = "{number} is {po_status}: only an order that was submitted goes to its supplier."


class ExternalIdTaken(Conflict):
    """The supplier has an order with this external id. Facts: external_id, number."""

    code = "external_id_taken"
    title = "The external id is another order's"
    sentence = "{external_id} is {number} already."
    remedy = "Choose another, or change that order."


class CurrencyFixed(Conflict):
    """Orders were made in terms of the company's currency. Facts: currency."""

    code = "currency_fixed"
    title = "The company's currency stays"
    sentence = "Orders were made in terms of {currency}."
    remedy = "Keep it, and give rates for other currencies."


class PreferredTaken(Conflict):
    """Two at once made different suppliers the preferred one. Facts: sku."""

    code = "preferred_taken"
    title = "Another supplier was preferred just now"
    sentence = "Another supplier became the preferred one just now."
    remedy = "Read it again, and say again which you prefer."


class SupplierItemThere(Conflict):
    """The supplier sells it already. Facts: supplier, sku."""

    code = "supplier_item_there"
    title = "It is there already"
    sentence = "{supplier} sells {sku} already."
    remedy = "Change what is there."
