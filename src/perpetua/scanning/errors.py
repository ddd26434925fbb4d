"""What scanning refuses."""

from perpetua.kit.errors import InvalidValue, Refusal

__all__ = ["NotAnItem", "QuantityNeeded", "UnknownCode"]


class UnknownCode(Refusal):
    """No item and no place has the code. Facts: scanned, codes (what it was looked up by), gtin."""

    status = 404
    code = "unknown_code"
    title = "Nothing has this code"
    sentence = "No item and no place has the code {scanned}."
    remedy = "Add it to the item as a barcode, then scan again."


class NotAnItem(InvalidValue):
    """A place was scanned where an item was expected."""

    code = "not_an_item"
    title = "This is a place, not an item"


class QuantityNeeded(InvalidValue):
    """An adjustment or a count says how many."""

    code = "quantity_needed"
    title = "Say how many"
