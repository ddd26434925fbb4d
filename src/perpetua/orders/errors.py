"""What orders refuse, with the facts their reader needs."""

from typing import Any

from perpetua.kit.errors import Conflict, InvalidValue

__all__ = ["BeingPicked", "CustomerCodeTaken", "ExternalIdReused", "OrderClosed", "UnknownItems"]


class ExternalIdReused(Conflict):
    """The channel has sent this external id before, with another order."""

    code = "external_id_reused"
    title = "This external id is another order"
    sentence = "{channel} has sent {external_id} before, as order {order_id}, and it asked for something else."
    remedy = "Send a new external id with a new order; to change an order, change it by its id."


class OrderClosed(Conflict):
    """The order is too far for what was asked. Facts: order_id, order_status, reason."""

    code = "order_closed"
    title = "The order is too far for that"
    sentence = "Order {order_id} is {order_status}: {reason}."
    remedy = "Read it again: what can be done follows from its lines."

    def __init__(self, *, status: str, **facts: Any) -> None:
        # Not as `status`: that of a problem is its HTTP status.
        super().__init__(order_status=status, **facts)


class BeingPicked(Conflict):
    """What is asked would take goods from people who pick or have packed them. Facts: order_id, order_status, lines."""

    code = "being_picked"
    title = "It is being picked"
    sentence = "Order {order_id} is {order_status}: of its lines {lines} goods are in people's hands."
    remedy = "Name only what waits for stock, have it put back, or ask somebody with orders.override."


class CustomerCodeTaken(Conflict):
    """Another customer has the code. Facts: customer."""

    code = "code_taken"
    title = "The code is taken"
    sentence = "There is already a customer {customer}."
    remedy = "Choose another code; upper and lower case are the same."


class UnknownItems(InvalidValue):
    """SKUs that do not exist; `unknown` lists {line, field, value}."""

    code = "unknown_items"
    title = "Unknown items"

    def __init__(self, unknown: list[dict[str, object]]) -> None:
        first = unknown[0]
        super().__init__(
            str(first["field"]), str(first["value"]), "is not known; check it or create it first",
            line=first["line"], unknown=unknown[:100], unknown_count=len(unknown),
        )  # fmt: skip
