"""What allocation refuses, with the facts its reader needs."""

from perpetua.kit.errors import Conflict

__all__ = ["NotEnoughAvailable", "NotWithCustomer", "NothingToPick", "Promised"]


class Promised(Conflict):
    """The stock is there, but promised to orders or reserved."""

    code = "promised"
    title = "Promised to others"
    sentence = "{sku} at {site}: asked {asked}, available {available}; {allocated} allocated, {reserved} reserved."
    remedy = "Take no more than is available, cancel an order or a reservation first, or ship the order itself."


class NotEnoughAvailable(Conflict):
    """Less may be promised than was asked for."""

    code = "not_enough_available"
    title = "Not enough available"
    sentence = "{sku} at {site}: asked {asked}, available {available}."
    remedy = "Ask for less, elsewhere, or place an order: what is missing waits."


class NotWithCustomer(Conflict):
    """What should come back did not leave with the order, or came back before. Facts: line_no, sku, asked, left."""

    code = "not_with_customer"
    title = "That did not leave with this order"
    sentence = (
        "Line {line_no}, {sku}: {asked} should come back, and {left} of that left with the order and is not back."
    )
    remedy = "Check the lot or the serials; what was sold elsewhere comes back as a return without an order."


class NothingToPick(Conflict):
    """What is allocated cannot be found in places to take it from."""

    code = "nothing_to_pick"
    title = "Not found where it could be taken"
    sentence = "Of item {variant_id} {asked} should leave, and {found} lie where they can be taken."
    remedy = "Say in picks where it was taken, or count the places."
