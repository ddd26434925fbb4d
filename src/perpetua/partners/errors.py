"""What partners refuse."""

from perpetua.kit.errors import Conflict, InvalidValue

__all__ = ["InactiveSupplier", "SupplierCodeTaken", "SupplierInUse", "UnknownSupplier"]


class SupplierCodeTaken(Conflict):
    """Another supplier has the code. Facts: supplier."""

    code = "code_taken"
    title = "The code is taken"
    sentence = "There is already a supplier {supplier}."
    remedy = "Choose another code; upper and lower case are the same."


class UnknownSupplier(InvalidValue):
    """There is no supplier with this code."""

    code = "unknown_supplier"
    title = "Unknown supplier"

    def __init__(self, code: str, field: str = "supplier") -> None:
        super().__init__(field, code, "is no supplier; check the code or create it first")


class SupplierInUse(Conflict):
    """Something was bought there, or is sold by them. Facts: suppliers."""

    code = "supplier_in_use"
    title = "The supplier is in use"
    sentence = "Something names one of these suppliers: {suppliers}."
    remedy = "Make them inactive instead."


class InactiveSupplier(Conflict):
    """The supplier is not in use. Facts: supplier."""

    code = "inactive_supplier"
    title = "The supplier is not active"
    sentence = "{supplier} is not active, so nothing new is ordered there."
    remedy = "Activate it, or order elsewhere."
