"""What tracing refuses, with the facts its reader needs."""

from perpetua.kit.errors import Conflict, InvalidValue

__all__ = ["NothingToRecall", "RecallClosed", "RecallNotDone"]


class NothingToRecall(InvalidValue):
    """No lot is what was asked for."""

    code = "nothing_to_recall"
    title = "No lot fits"


class RecallClosed(Conflict):
    """The recall was closed before."""

    code = "recall_closed"
    title = "The recall is closed"
    sentence = "Recall {number} was closed at {closed_at}."


class RecallNotDone(Conflict):
    """Some of what is recalled is still here."""

    code = "recall_not_done"
    title = "Some of it is still here"
    sentence = "Of recall {number} there is still {on_hand} on hand and {in_transit} on its way."
    remedy = "Write it off, send it back or release it; or close with leave_rest."
