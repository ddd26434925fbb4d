"""Labels as values: templates, the sizes they are for, and what is to be printed."""

from datetime import datetime
from typing import Annotated, Final, Literal, get_args

import msgspec
from msgspec import Meta

from perpetua.places.types import Kind as PlaceKind

__all__ = [
    "AUTO", "FIELDS", "KINDS", "MOST_LABELS", "Align", "Bars", "Box", "Choices", "Content", "Copies", "Drawn",
    "Element", "ElementField", "Format", "ItemFilter", "ItemLabel", "Kind", "Line", "LotLabel", "NewTemplate",
    "PlaceFilter", "PlaceLabel", "PlateLabel", "PreviewTemplate", "PrintLabels", "Printed", "ReceiptLabels", "Roll",
    "Sheet", "Size", "SymbologyAsked", "Template", "TemplateBody", "Text", "ValueLabel", "Values",
]  # fmt: skip

Kind = Literal["item", "lot", "place", "plate", "receipt", "custom"]
Format = Literal["pdf", "zpl"]
Align = Literal["left", "center", "right"]
SymbologyAsked = Literal[
    "auto", "code128", "gs1_128", "ean13", "ean8", "upca", "itf14", "qr", "gs1_qr", "datamatrix", "gs1_datamatrix",
]  # fmt: skip
AUTO: Final = "auto"
"""The symbology that a code belongs in: EAN or UPC for a GTIN, Code 128 for anything else."""

KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
MOST_LABELS: Final = 1_000

_ITEM: Final = (
    "sku",
    "name",
    "product",
    "variant",
    "unit",
    "price",
    "code",
    "gtin",
    "level",
    "units",
    "category",
    "owner",
)
FIELDS: Final[dict[Kind, tuple[str, ...]]] = {
    "item": _ITEM,
    "lot": (*_ITEM, "lot", "supplier_lot", "expires", "best_before", "manufactured", "status"),
    "place": ("code", "name", "kind", "site", "parent", "path", "check"),
    "plate": ("sscc", "code", "contents", "place", "order", "customer", "weight", "number", "of"),
    "receipt": (
        "receipt", "sku", "name", "code", "gtin", "lot", "expires", "quantity", "unit", "supplier", "order", "received",
        "place",
    ),
    "custom": (),
}  # fmt: skip
"""What a label of each kind can say; one of kind custom says whatever fields its template names."""

Values = dict[str, str]
Content = Annotated[str, Meta(min_length=1, max_length=500)]
Millimetres = Annotated[float, Meta(ge=0, le=1000)]
Extent = Annotated[float, Meta(gt=0, le=1000)]
Points = Annotated[float, Meta(ge=4, le=200)]
Copies = Annotated[int, Meta(ge=1, le=MOST_LABELS)]
Code = Annotated[str, Meta(min_length=1, max_length=64)]
FieldName = Annotated[str, Meta(min_length=1, max_length=40)]


class Sheet(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="sheet", tag_field="type"):
    """Labels on a sheet of paper, in millimetres. `left`, `top`: where the first label begins. `pitch_x`, `pitch_y`:
    from the beginning of one label to that of the next.
    """

    page: Literal["a4", "letter"]
    columns: Annotated[int, Meta(ge=1, le=20)]
    rows: Annotated[int, Meta(ge=1, le=60)]
    width: Extent
    height: Extent
    left: Millimetres
    top: Millimetres
    pitch_x: Extent
    pitch_y: Extent

    @property
    def count(self) -> int:
        """Labels on a sheet."""
        return self.columns * self.rows


class Roll(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="roll", tag_field="type"):
    """One label after the other on a roll, in millimetres. `dpi`: dots per inch of the printer."""

    width: Annotated[float, Meta(ge=10, le=250)]
    height: Annotated[float, Meta(ge=5, le=1000)]
    dpi: Literal[152, 203, 300, 600] = 203


Size = Sheet | Roll


class Text(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="text", tag_field="type"):
    """Words in a box, in millimetres from the label's upper left corner. `text` holds fields in braces: `Lot {lot}`;
    where all its fields are empty, nothing is printed. `size`: in points; what doesn't fit is printed smaller, down to
    `least`, then cut with "…". `fit`: on one line, or on as many as there is room for.
    """

    x: Millimetres
    y: Millimetres
    width: Extent
    height: Extent
    text: Content
    size: Points = 10
    least: Points = 6
    bold: bool = False
    align: Align = "left"
    fit: Literal["shrink", "wrap"] = "shrink"


class ElementField(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A GS1 application identifier and the field that holds its value; dates are written as GS1 wants them."""

    ai: Annotated[str, Meta(pattern=r"^[0-9]{2,4}$")]
    field: FieldName


class Bars(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="barcode", tag_field="type"):
    """A barcode in a box, with its quiet zone and, where `readable`, its text below.

    `data`: what it holds, with fields in braces; `auto` chooses the symbology by it. `elements`: what a GS1 symbology
    holds instead: the first must be there, others are left out where their field is empty; where the first is
    empty, `data` is printed in `otherwise`. `square`: where bars would be too fine to be read, a DataMatrix says the
    same; without it, the label is refused.
    """

    x: Millimetres
    y: Millimetres
    width: Extent
    height: Extent
    symbology: SymbologyAsked
    data: Annotated[str, Meta(max_length=500)] = ""
    elements: Annotated[list[ElementField], Meta(max_length=12)] = []
    otherwise: SymbologyAsked | None = None
    square: bool = False
    readable: bool = True
    align: Align = "center"


class Line(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="line", tag_field="type"):
    """A black bar: as wide and as high as it says."""

    x: Millimetres
    y: Millimetres
    width: Extent
    height: Extent


class Box(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="box", tag_field="type"):
    """A frame; its `thickness` lies inside."""

    x: Millimetres
    y: Millimetres
    width: Extent
    height: Extent
    thickness: Annotated[float, Meta(ge=0.1, le=20)] = 0.3


Element = Text | Bars | Line | Box


class TemplateBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a template says, apart from its code."""

    name: Annotated[str, Meta(min_length=1, max_length=120)]
    kind: Kind
    size: Size
    elements: Annotated[list[Element], Meta(min_length=1, max_length=60)]


class NewTemplate(TemplateBody, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A template to be made; `code` is what people name it by."""

    code: Code


class Template(TemplateBody, frozen=True, kw_only=True, forbid_unknown_fields=False):
    """A template as it is. `shipped`: it comes with the program; `changed`: and is not as it came."""

    code: str
    shipped: bool
    changed: bool
    version: int
    updated_at: datetime | None


class PreviewTemplate(TemplateBody, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A template that is not kept yet, to be looked at, with values in place of the samples."""

    values: dict[str, Annotated[str, Meta(max_length=500)]] = {}
    dpi: Annotated[int, Meta(ge=72, le=300)] = 203


class ItemLabel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Labels of one item. `level`: the barcode of its each, inner, case or pallet; without it the each's, and where
    there is none, the SKU.
    """

    sku: Code
    copies: Copies | None = None
    level: Literal["each", "inner", "case", "pallet"] | None = None


class LotLabel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Labels of a lot of an item."""

    sku: Code
    lot: Annotated[str, Meta(min_length=1, max_length=100)]
    copies: Copies | None = None
    level: Literal["each", "inner", "case", "pallet"] | None = None


class PlaceLabel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Labels of a place."""

    code: Code
    copies: Copies | None = None


class PlateLabel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Labels of a license plate, by its code or SSCC; they say what stands on it and on all that is nested on it."""

    code: Code
    copies: Copies | None = None


class ValueLabel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Labels of what is given: a value for each field, such as `{"sscc": "395201234567890125"}`."""

    values: dict[str, Annotated[str, Meta(max_length=500)]]
    copies: Copies | None = None


class ItemFilter(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All active items of a category (and of those in it), or whose SKU begins so; at least one is needed."""

    category: Code | None = None
    sku_prefix: Code | None = None


class PlaceFilter(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All active places in a place, in walking order; `kind` such as bin."""

    within: Code
    kind: PlaceKind | None = None


class ReceiptLabels(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What came in with a receipt, such as R-000123: a label a line, or one for each unit of it (a part of a unit gets
    one too). `line_nos`: only these lines. Undone lines have none.
    """

    receipt: Code
    line_nos: Annotated[list[Annotated[int, Meta(ge=1, le=2**31 - 1)]], Meta(max_length=MOST_LABELS)] | None = None
    per: Literal["line", "unit"] = "line"


class PrintLabels(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to print, by which template: of the lists, that of the template's kind. `copies` is of those that say none.

    `start`: the position on a sheet where the first label goes, where some are used; 1 is the first.
    """

    template: Code
    format: Format = "pdf"
    copies: Copies = 1
    start: Annotated[int, Meta(ge=1, le=1200)] = 1
    items: Annotated[list[ItemLabel], Meta(max_length=MOST_LABELS)] = []
    item_filter: ItemFilter | None = None
    lots: Annotated[list[LotLabel], Meta(max_length=MOST_LABELS)] = []
    places: Annotated[list[PlaceLabel], Meta(max_length=MOST_LABELS)] = []
    place_filter: PlaceFilter | None = None
    plates: Annotated[list[PlateLabel], Meta(max_length=MOST_LABELS)] = []
    receipt: ReceiptLabels | None = None
    labels: Annotated[list[ValueLabel], Meta(max_length=MOST_LABELS)] = []


class Printed(msgspec.Struct, frozen=True, kw_only=True):
    """What was printed, ready to be sent to a printer."""

    content: bytes
    format: Format
    labels: int
    template: str


class Drawn(msgspec.Struct, frozen=True, kw_only=True):
    """What one label says, and how many of it."""

    values: Values
    copies: int
    name: str
    """How a refusal calls it: "item A-1", "label 3"."""


class Choices(msgspec.Struct, frozen=True, kw_only=True):
    """What templates can be made of."""

    sheets: dict[str, Sheet]
    fields: dict[Kind, list[str]]
    symbologies: list[str]
    least_module_mm: float
