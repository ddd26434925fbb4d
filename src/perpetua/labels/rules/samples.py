"""Values to look at a template with, as long as usual ones are."""

from typing import Final

from perpetua.labels.rules.laying import fields_in
from perpetua.labels.types import Bars, Kind, TemplateBody, Text, Values

__all__ = ["samples"]

_ITEM: Final[Values] = {
    "sku": "TSHIRT-ORG-NVY-M", "name": "Organic T-shirt, navy blue, medium", "product": "Organic T-shirt",
    "variant": "navy blue, medium", "unit": "each", "price": "19.90", "code": "4006381333931",
    "gtin": "04006381333931", "level": "each", "units": "1", "category": "Shirts", "owner": "Own",
}  # fmt: skip
_LOT: Final[Values] = {
    **_ITEM, "lot": "L2026-0318", "supplier_lot": "8841-B", "expires": "2027-03-31", "best_before": "2027-02-28",
    "manufactured": "2026-03-18", "status": "released",
}  # fmt: skip
_SAMPLES: Final[dict[Kind, Values]] = {
    "item": _ITEM,
    "lot": _LOT,
    "place": {
        "code": "LON-A-04-12-3", "name": "Bin 3", "kind": "bin", "site": "LON", "parent": "LON-A-04-12",
        "path": "LON / A / 04 / 12 / 3", "check": "47",
    },
    "plate": {
        "sscc": "395201234567890123", "code": "395201234567890123", "contents": "TSHIRT-ORG-NVY-M × 480",
        "place": "LON-DOCK-2", "order": "SO-004711", "customer": "Harbour Outfitters", "weight": "412 kg",
        "number": "1", "of": "4",
    },
    "receipt": {
        **{name: _LOT[name] for name in ("sku", "name", "code", "gtin", "lot", "expires", "unit")},
        "receipt": "R-000123", "quantity": "48", "supplier": "Weavers & Co.", "order": "PO-000045",
        "received": "2026-11-21", "place": "LON-DOCK-2",
    },
    "custom": {},
}  # fmt: skip


def samples(body: TemplateBody) -> Values:
    """A value for each field that the template can name; of a custom one, for each that it names."""
    if body.kind != "custom":
        return dict(_SAMPLES[body.kind])
    named = [
        name
        for element in body.elements
        for name in (
            fields_in(element.text)
            if isinstance(element, Text)
            else [*fields_in(element.data), *(one.field for one in element.elements)]
            if isinstance(element, Bars)
            else []
        )
    ]
    known = {**_LOT, **_SAMPLES["plate"]}
    return {name: known.get(name, "ABC-123") for name in named}
