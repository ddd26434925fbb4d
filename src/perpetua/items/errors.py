"""What items refuse."""

from perpetua.kit.errors import Conflict, InvalidValue, NotAllowed, Refusal

__all__ = [
    "BarcodeTaken",
    "CodeTaken",
    "CostsNotYours",
    "InUse",
    "NotAnImage",
    "NotExact",
    "NotScannable",
    "OtherProduct",
    "SeveralOfThatName",
    "SkuTaken",
    "WrongCheckDigit",
]


class WrongCheckDigit(InvalidValue):
    """The last digit does not belong to the others. Facts: field, value, reason, expected (the digit)."""

    code = "wrong_check_digit"
    title = "The check digit is wrong"


class NotScannable(InvalidValue):
    """What the scanner sent can't be read. Facts: field, value, reason."""

    code = "not_scannable"
    title = "This scan can't be read"


class NotAnImage(Refusal):
    """The content is no picture of a kind that is taken, whatever its name says. Facts: taken."""

    status = 415
    code = "not_an_image"
    title = "Not a picture"
    sentence = "The content is not PNG, JPEG or WebP."


class NotExact(InvalidValue):
    """A conversion that would have to round. Facts: field, value, reason, from_unit, to_unit."""

    code = "not_exact"
    title = "The conversion is not exact"


class SkuTaken(Conflict):
    """Another variant has the SKU. Facts: sku, variant_id, product_id, or field where it is twice in one command."""

    code = "sku_taken"
    title = "This SKU is taken"
    sentence = "The SKU {sku} is taken."
    remedy = "Choose another, or change the item that has it."


class BarcodeTaken(Conflict):
    """Another barcode is the same. Facts: barcode, and held_by (the SKU of the variant that has it)."""

    code = "barcode_taken"
    title = "This barcode is taken"
    sentence = "The barcode {barcode} belongs to {held_by}."
    remedy = "Remove it there first."


class OtherProduct(Conflict):
    """An item is a variant of one product, and a row says of another. Facts: sku, product, asked."""

    code = "other_product"
    title = "The item is a variant of another product"
    sentence = "{sku} is a variant of {product}, not of what the key {asked} names."
    remedy = "Leave the key out, or name the item's own product."


class SeveralOfThatName(Conflict):
    """A product's name that several have does not tell which. Facts: name, products (how many have it)."""

    code = "several_of_that_name"
    title = "Several products have this name"
    sentence = "{products} products are called {name}."
    remedy = "Name the product by the SKU of one of its variants."


class CodeTaken(Conflict):
    """Another unit, owner or category has the code. Facts: what, key."""

    code = "code_taken"
    title = "This code is taken"
    sentence = "There is a {what} {key} already."


class InUse(Conflict):
    """What others stand on can't be changed or removed. Facts: what, key, reason."""

    code = "in_use"
    title = "In use"
    sentence = "{what} {key}: {reason}"


class CostsNotYours(NotAllowed):
    """The actor may neither see nor set nor order by cost prices. Facts: permission, field."""

    code = "costs_not_allowed"
    title = "Cost prices are not yours"
    sentence = "The field {field} needs the permission {permission}."
