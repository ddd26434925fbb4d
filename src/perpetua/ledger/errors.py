"""What the ledger refuses, with the facts its reader needs."""

from perpetua.kit.errors import Conflict, InvalidValue, Refusal

__all__ = [
    "AlreadyCorrected",
    "CountsAgree",
    "EffectiveOutOfRange",
    "InTransit",
    "InactiveItem",
    "InactivePlace",
    "KitHasNoStock",
    "LotBlocked",
    "LotRecalled",
    "NeedsApproval",
    "NotACertificate",
    "NotEnoughStock",
    "SerialElsewhere",
    "SerialRangeWrong",
    "SerialsNeeded",
    "TooManyLines",
    "TransferClosed",
    "UnknownNames",
    "UnknownReason",
    "VersionChanged",
]  # fmt: skip


class NotEnoughStock(Conflict):
    """More would leave than is there. `shortages` holds {line, sku, location, lot, asked, on_hand} for each."""

    code = "not_enough_stock"
    title = "Not enough stock"
    sentence = "{sku} at {location}: asked {asked}, on hand {on_hand}."
    remedy = "Take less, take it elsewhere, or count the place."


class VersionChanged(Refusal):
    """The level has changed since it was looked at."""

    status = 412
    code = "version_changed"
    title = "Changed since you looked"
    sentence = "{sku} at {location} has version {version}, not {expected}; on hand is now {on_hand}."
    remedy = "Look again and decide anew."


class UnknownNames(InvalidValue):
    """SKUs, barcodes, locations, lots or serials that do not exist; `unknown` lists {line, field, value}."""

    code = "unknown_names"
    title = "Unknown names"

    def __init__(self, unknown: list[dict[str, object]]) -> None:
        first = unknown[0]
        super().__init__(
            str(first["field"]), str(first["value"]), "is not known; check it or create it first",
            line=first["line"], unknown=unknown[:100], unknown_count=len(unknown),
        )  # fmt: skip


class InactiveItem(Conflict):
    """The item is not active: it can leave, but nothing more comes in."""

    code = "inactive_item"
    title = "The item is not active"
    sentence = "{sku} is not active."
    remedy = "Activate it first."


class KitHasNoStock(Conflict):
    """A kit is its components: those are received, moved, counted and sold."""

    code = "kit_has_no_stock"
    title = "A kit has no stock of its own"
    sentence = "{sku} is a kit: it has no stock of its own."
    remedy = "Name its components; or place an order, which takes them together."


class LotBlocked(Conflict):
    """A lot that is not released, or is past its last day, would be sold or used up."""

    code = "lot_blocked"
    title = "The lot may not be sent"
    sentence = "Lot {lot} of {sku} {why}."
    remedy = "Take another lot; or release it, with a reason, if it is good."


class LotRecalled(Conflict):
    """The lot's status is its recall's to change."""

    code = "lot_recalled"
    title = "The lot is recalled"
    sentence = "Lot {lot} is recalled."
    remedy = "Release it in its recall, with a reason."


class NotACertificate(Refusal):
    """The content of a file is none that certificates come in."""

    status = 415
    code = "not_a_certificate"
    title = "Not a certificate"
    sentence = "The file is no PDF, PNG or JPEG, whatever its name says."
    remedy = "Send one of these."


class InactivePlace(Conflict):
    """The location is not active."""

    code = "inactive_location"
    title = "The location is not active"
    sentence = "{location} is not active."
    remedy = "Use another, or activate it first."


class InTransit(Conflict):
    """What lies in an in-transit location belongs to the transfers that are open: only they move it."""

    code = "in_transit"
    title = "The stock is on its way"
    sentence = "What lies at {location} is on its way; its transfer moves it."
    remedy = "Send, receive or cancel the transfer."


class SerialsNeeded(InvalidValue):
    """As many serials as units, each once, for a serialised item; none for others."""

    code = "serials_needed"
    title = "Serials do not fit the quantity"


class SerialRangeWrong(InvalidValue):
    """The ends of a range of serials do not fit together, or there is too much between them."""

    code = "serial_range_wrong"
    title = "The range of serials cannot be read"


class SerialElsewhere(Conflict):
    """A serial is not where the command says it is, or is already in stock."""

    code = "serial_elsewhere"
    title = "A serial is somewhere else"
    sentence = "Serial {serial} of {sku} is {status} at {location}."
    remedy = "Scan it again, or correct its last movement."


class EffectiveOutOfRange(InvalidValue):
    """The time lies in the future or before 1970."""

    code = "effective_at_out_of_range"
    title = "The time cannot be right"


class UnknownReason(InvalidValue):
    """No such reason code for this kind of command."""

    code = "unknown_reason"
    title = "Unknown reason code"


class AlreadyCorrected(Conflict):
    """The row has been corrected before."""

    code = "already_corrected"
    title = "Already corrected"
    sentence = "Row {row_id} was corrected by posting {posting_id}."
    remedy = "Correct the correction."


class CountsAgree(InvalidValue):
    """All that was counted is what is on hand: there is nothing to adjust."""

    code = "counts_agree"
    title = "The counts agree"


class NeedsApproval(Conflict):
    """More than the reason lets one post alone. Facts: because."""

    code = "needs_approval"
    title = "Somebody who may approve must do this"
    sentence = "It needs approval: {because}."
    remedy = "Let somebody with the permission stock.approve do it, or do less."


class TransferClosed(Conflict):
    """The transfer is no longer in transit."""

    code = "transfer_closed"
    title = "The transfer is closed"
    sentence = "Transfer {transfer_id} is {status}."


class TooManyLines(InvalidValue):
    """None, or more lines than one command takes."""

    code = "too_many_lines"
    title = "The number of lines is out of range"
