"""What labels refuse."""

from typing import Any

from perpetua.kit.errors import Conflict, InvalidValue, Refusal, TooLarge

__all__ = ["NoRoom", "NotPrintable", "TemplateTaken", "TooManyLabels"]


class NoRoom(Refusal):
    """A barcode would be too fine to be read. Facts: label, element, symbology, needs_mm, has_mm."""

    code = "barcode_too_wide"
    title = "The barcode has too little room"
    sentence = "{label}, {element}: {symbology} needs {needs_mm} mm, and its box has {has_mm} mm."
    remedy = "Make the box wider or the data shorter, or use a DataMatrix or QR code."


class NotPrintable(InvalidValue):
    """A value of one label can't be printed. Facts: label, field, value, reason."""

    code = "label_not_printable"
    title = "A label cannot be printed"
    sentence = "{label}, {field}: {reason}."

    def __init__(self, label: str, field: str, value: object, reason: str, **facts: Any) -> None:
        super().__init__(field, value, reason.rstrip("."), label=label, **facts)


class TooManyLabels(TooLarge):
    """More labels than are printed at once. Facts: labels (None: more than could be counted), limit, requests."""

    code = "too_many_labels"
    title = "Too many labels at once"
    sentence = "{reason}"

    def __init__(self, labels: int | None, limit: int) -> None:
        if labels is None:
            reason = f"The filter finds more than {limit:,} labels. Narrow it, or send lists of up to {limit:,}."
            super().__init__(reason=reason, labels=None, limit=limit)
            return
        requests = -(-labels // limit)
        reason = f"These are {labels:,} labels; up to {limit:,} are printed at once. Send them in {requests} requests."
        super().__init__(reason=reason, labels=labels, limit=limit, requests=requests)


class TemplateTaken(Conflict):
    """There is a template of this code already. Facts: template."""

    code = "label_template_taken"
    title = "There is such a template already"
    sentence = "There is a template {template} already."
    remedy = "Change that one, or choose another code."
