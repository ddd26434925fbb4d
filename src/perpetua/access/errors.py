"""What access refuses."""

from perpetua.kit.errors import NotAllowed

__all__ = ["OutOfScope"]


class OutOfScope(NotAllowed):
    """The place is not one of the actor's."""

    code = "out_of_scope"
    title = "Not one of your places"
    sentence = "You have no rights at {location}."
    remedy = "Ask an administrator to add the place to yours."
