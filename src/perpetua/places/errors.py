"""What places refuse."""

from perpetua.kit.errors import Conflict, Refusal

__all__ = [
    "CodeTaken", "FixedPlace", "HoldsStock", "InactivePlace", "InsideItself", "NotEmpty", "PlaceInUse", "StockPromised",
    "WrongKind",
]  # fmt: skip


class CodeTaken(Conflict):
    """Another place has the code already. `taken` lists all such codes (at most 20)."""

    code = "code_taken"
    title = "The code is taken"
    sentence = "There is already a place {location}."
    remedy = "Choose another code; upper and lower case are the same."


class WrongKind(Refusal):
    """A place of this kind does not stand in a place of that kind. `allowed` lists the kinds it may stand in."""

    code = "wrong_kind"
    title = "Such a place does not stand there"
    sentence = "{location}: a {kind} does not stand in {parent_kind}."
    remedy = "It may stand in: {allowed_text}."


class InsideItself(Conflict):
    """A place cannot stand in itself or in what stands in it."""

    code = "inside_itself"
    title = "A place cannot stand in itself"
    sentence = "{to} stands in {location}."


class FixedPlace(Conflict):
    """A site is a root, and its transit belongs to it: neither is moved, and the transit is not removed alone."""

    code = "fixed_place"
    title = "This place stays where it is"
    sentence = "{location} is a {kind}: it cannot be {act}."


class NotEmpty(Conflict):
    """Other places stand in it. Facts: children (their number), examples."""

    code = "place_not_empty"
    title = "Other places stand in it"
    sentence = "{children} places stand in {location}."
    remedy = "Move or remove them first, or remove them with it."


class HoldsStock(Conflict):
    """Stock lies there, or has lain there. Facts: location, held."""

    code = "place_holds_stock"
    title = "Stock is or was there"
    sentence = "{location} {held}."
    remedy = "Move the stock away; a place with a history is deactivated, not removed."


class StockPromised(Conflict):
    """What lies there is promised to orders or reserved. Facts: location, sku, site, promised, left."""

    code = "stock_promised"
    title = "Stock there is promised"
    sentence = "{location}: of {sku} at {site} {promised} are allocated or reserved, and {left} would be left to sell."
    remedy = "Ship or cancel those orders first, or bring stock to another place of the site."


class PlaceInUse(Conflict):
    """Something else refers to the place. Facts: location, used_by."""

    code = "place_in_use"
    title = "The place is in use"
    sentence = "{location} is named in {used_by}."
    remedy = "Take it out there first, or deactivate the place."


class InactivePlace(Conflict):
    """Nothing new stands in a place that is not active."""

    code = "inactive_place"
    title = "The place is not active"
    sentence = "{location} is not active."
    remedy = "Activate it first."
