"""What scanning refuses."""

from perpetua.kit.errors import InvalidValue, Refusal

__all__ = ["AmbiguousCode", "NotAnItem", "QuantityNeeded", "UnknownCode"]


class AmbiguousCode(Refusal):
    """The scanner dropped the separators, and the code can be read in several ways. Facts: scanned, choices."""

    status = 422
    code = "ambiguous_code"
    title = "The code can be read in several ways"
    sentence = "{scanned} has no separators, and its lot, serial or expiry may end in several places."
    remedy = "Send lot and serial with the scan, or have the scanner send FNC1 (ASCII 29) or its AIM prefix."


class UnknownCode(Refusal):
    """No item and no place has the code. Facts: scanned, codes (what it was looked up by), gtin; lot, serial,
    expires_on, count and sscc where the label says them; not_gs1 (why it isn't GS1 data) where it looks like it.
    """

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
