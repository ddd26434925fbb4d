"""What plates refuse, with the facts its reader needs."""

from perpetua.kit.errors import Conflict, InvalidValue

__all__ = [
    "NoCompanyPrefix", "NotLoose", "NotOnPlate", "PlateCodeTaken", "PlateElsewhere", "PlateNotOpen",
    "PlateStandsElsewhere", "PlateTooDeep",
]  # fmt: skip


class NotLoose(Conflict):
    """More is to stand on a plate than lies loose at its place."""

    code = "not_loose"
    title = "Not so much lies loose"
    sentence = "{sku} at {location}: asked {asked}; on hand {on_hand}, of which {on_plates} stand on plates."
    remedy = "Take it off its plate, or move the plate."


class NotOnPlate(Conflict):
    """More is to be taken off a plate than stands on it."""

    code = "not_on_plate"
    title = "Not so much stands on the plate"
    sentence = "{sku} on plate {plate}: asked {asked}, on it {on_plate}."


class PlateNotOpen(Conflict):
    """The plate's status does not allow it."""

    code = "plate_not_open"
    title = "The plate does not allow it"
    sentence = "Plate {plate} is {status}."


class PlateElsewhere(Conflict):
    """Two plates that should stand on each other are at different places, or it would stand on itself."""

    code = "plate_elsewhere"
    title = "The plates do not fit together"
    sentence = "Plate {plate} cannot stand on {parent}: {reason}."


class PlateStandsElsewhere(Conflict):
    """Goods came that should stand on a plate which is at another place."""

    code = "plate_stands_elsewhere"
    title = "The plate is somewhere else"
    sentence = "Plate {plate} stands at {location}, and the goods are put at {asked}."
    remedy = "Move it there first, or put them where it stands."


class PlateTooDeep(InvalidValue):
    """Too many plates on each other."""

    code = "plate_too_deep"
    title = "Too many plates on each other"


class PlateCodeTaken(Conflict):
    """There is a plate with this code."""

    code = "plate_code_taken"
    title = "There is such a plate"
    sentence = "There is a plate {plate} already."


class NoCompanyPrefix(Conflict):
    """SSCCs are made from the company's GS1 prefix, and nobody has said it."""

    code = "no_company_prefix"
    title = "The GS1 company prefix is not known"
    sentence = "SSCCs begin with your GS1 company prefix, which nobody has set."
    remedy = "Set it (PUT /api/plates/settings), or give the plate a code."
