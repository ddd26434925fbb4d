"""What receiving refuses, with the facts its reader needs."""

from perpetua.kit.errors import Conflict, InvalidValue

__all__ = [
    "AlreadyUndone", "ExpiredGoods", "LotDiffers", "NoAreaFor", "NotAPhoto", "NotAnnounced", "NotOnOrder",
    "OverReceipt", "PlateThere", "ReceiptClosed", "Unexpected",
]  # fmt: skip


class ReceiptClosed(Conflict):
    """The receipt is closed. Facts: receipt."""

    code = "receipt_closed"
    title = "The receipt is closed"
    sentence = "{receipt} is closed."
    remedy = "Open another for what comes later; a mistake in it can still be undone."


class OverReceipt(Conflict):
    """More came than is taken without a question. Facts: line, sku, came, open, most; `over` for each such line."""

    code = "over_receipt"
    title = "More than was ordered"
    sentence = "Line {line}, {sku}: {came} came, {open} is open, and at most {most} is taken without a question."
    remedy = "Count again; to take it in all the same, say accept over."


class Unexpected(Conflict):
    """An item that was not ordered. Facts: line, sku; `unexpected` for each such line."""

    code = "unexpected_item"
    title = "Not on the order"
    sentence = "Line {line}: {sku} is not on {orders}."
    remedy = "Set it aside; to take it in all the same, say accept unexpected."


class ExpiredGoods(Conflict):
    """Goods past their day. Facts: line, sku, lot, expires_on."""

    code = "expired_goods"
    title = "Past its day"
    sentence = "Line {line}, {sku}, lot {lot}: expired on {expires_on}."
    remedy = "Refuse it; to take it into quarantine all the same, say accept expired."


class LotDiffers(Conflict):
    """The lot is there, with another date. Facts: line, sku, lot, recorded, told, what."""

    code = "lot_differs"
    title = "The lot is known with another date"
    sentence = "Line {line}, {sku}, lot {lot}: {what} is recorded as {recorded}, and {told} was told."
    remedy = "Look at the label again; leave the date out, or correct the lot first."


class NoAreaFor(Conflict):
    """The site has no place for such goods. Facts: site, condition."""

    code = "no_area"
    title = "No place for such goods"
    sentence = "{site} has no active place of kind {kinds} for goods that are {condition}."
    remedy = "Say where they are put, or make such a place."


class NotOnOrder(InvalidValue):
    """The receipt is not for that order."""

    code = "not_on_order"
    title = "The receipt is not for that order"


class NotAnnounced(InvalidValue):
    """Nothing was announced on that pallet or box."""

    code = "not_announced"
    title = "Not announced"


class PlateThere(Conflict):
    """A pallet or box is here already, with goods on it. Facts: plate."""

    code = "plate_there"
    title = "It is here already"
    sentence = "Plate {plate} is here already, with goods on it."
    remedy = "Look whether it was received; more goods for it are scanned one by one."


class AlreadyUndone(Conflict):
    """A line was undone before. Facts: receipt, line_no."""

    code = "already_undone"
    title = "Already undone"
    sentence = "Line {line_no} of {receipt} was undone before."


class NotAPhoto(InvalidValue):
    """The content is no picture that is taken."""

    code = "not_a_photo"
    title = "Not a picture"
