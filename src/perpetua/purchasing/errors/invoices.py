"""What is refused of suppliers' invoices, with the facts its reader needs."""

from perpetua.kit.errors import Conflict, InvalidValue

__all__ = [
    "InvoiceFlagged", "InvoiceKnown", "InvoiceState", "NoRate", "NothingToDecide", "SecondPerson", "TotalsDiffer",
    "UnknownInvoiceLine", "UnknownOrder",
]  # fmt: skip


class InvoiceKnown(Conflict):
    """The supplier's number is entered already, whatever its case. Facts: supplier, number, invoice_id, invoiced_on."""

    code = "invoice_known"
    title = "The invoice is there already"
    sentence = "{supplier}'s invoice {number} is there already."
    remedy = "Look at that one; if it is wrong, make it void first."


class TotalsDiffer(InvalidValue):
    """The lines do not come to the total stated. Facts: lines, difference."""

    code = "totals_differ"
    title = "The lines do not come to the total"

    def __init__(self, *, stated: object, lines: int, difference: object) -> None:
        reason = f"differs by {difference} from what its {lines} lines come to with tax"
        super().__init__("total", str(stated), reason, lines=lines, difference=difference)


class NoRate(InvalidValue):
    """Nobody says what the currency is worth. Facts: currency, company_currency."""

    code = "no_rate"
    title = "No exchange rate"

    def __init__(self, currency: str, ours: str) -> None:
        super().__init__(
            "exchange_rate", "", f"is needed: the settings have none for {currency}", currency=currency,
            company_currency=ours,
        )  # fmt: skip


class UnknownOrder(InvalidValue):
    """No order of this supplier has the number, or none that was submitted; or not such a line."""

    code = "unknown_order"
    title = "No such order or line"


class UnknownInvoiceLine(InvalidValue):
    """The invoice has no such line."""

    code = "unknown_line"
    title = "No such line"

    def __init__(self, field: str, line_no: int) -> None:
        super().__init__(field, line_no, "is no line of this invoice")


class InvoiceState(Conflict):
    """It is released or void. Facts: invoice_id, number, invoice_status."""

    code = "invoice_state"
    title = "Not in the invoice's state"
    sentence = "Invoice {number} is {invoice_status}."
    remedy = "Nothing more is decided of it."


class InvoiceFlagged(Conflict):
    """Lines differ, or their goods have not come. Facts: invoice_id, number, lines: [{line_no, state, problems}]."""

    code = "invoice_flagged"
    title = "The invoice does not match yet"
    sentence = "Invoice {number}: {flagged} lines must be decided on, and {waiting} wait for their goods."
    remedy = "Accept, reject, or ask for credit, with a reason; or wait for the goods."


class NothingToDecide(Conflict):
    """The line agrees. Facts: number, line_no."""

    code = "nothing_to_decide"
    title = "Nothing to decide"
    sentence = "Line {line_no} of invoice {number} agrees with what was ordered and came."


class SecondPerson(Conflict):
    """Who entered the invoice does not accept alone what differs. Facts: number, line_no."""

    code = "second_person"
    title = "A second person must accept it"
    sentence = "You entered invoice {number}: that line {line_no} differs must be accepted by somebody else."
    remedy = "Ask somebody else with invoices.release; or reject it, or ask for credit."
