"""The templates that come with the program."""

from typing import Final

from perpetua.labels.rules.sizes import SHEETS
from perpetua.labels.types import Bars, Element, ElementField, Line, Roll, TemplateBody, Text

__all__ = ["SHIPPED"]

_LOT_ELEMENTS: Final = [
    ElementField(ai="01", field="gtin"),
    ElementField(ai="17", field="expires"),
    ElementField(ai="10", field="lot"),
]


def _item(width: float, height: float, pad: float, points: float) -> list[Element]:
    """SKU large, its name, its barcode below."""
    inner = width - 2 * pad
    sku, name = points * 0.45, points * 0.66
    return [
        Text(x=pad, y=pad, width=inner, height=sku, text="{sku}", size=points, bold=True),
        Text(x=pad, y=pad + sku, width=inner, height=name, text="{name}", size=points * 0.72, fit="wrap"),
        Bars(
            x=pad, y=pad + sku + name + 0.4, width=inner, height=height - 2 * pad - sku - name - 0.4,
            symbology="auto", square=True, data="{code}",
        ),
    ]  # fmt: skip


def _place(width: float, height: float, pad: float) -> list[Element]:
    """The code as large as it goes, its barcode, and the check digits for those who speak them."""
    inner = width - 2 * pad
    top = (height - 2 * pad) * 0.42
    return [
        Text(
            x=pad, y=pad, width=inner - 16, height=top, text="{code}", size=min(60, top * 2.3), least=8, bold=True,
        ),
        Text(x=width - pad - 15, y=pad, width=15, height=top * 0.72, text="{check}", size=26, bold=True, align="right"),
        Text(
            x=width - pad - 15, y=pad + top * 0.72, width=15, height=top * 0.28, text="check", size=7, least=5,
            align="right",
        ),
        Bars(
            x=pad, y=pad + top + 0.5, width=inner, height=height - 2 * pad - top - 0.5, symbology="code128",
            data="{code}", readable=False,
        ),
    ]  # fmt: skip


def _lot(width: float, height: float) -> list[Element]:
    """What it is, which lot, till when; all of it in one GS1-128."""
    inner = width - 6
    return [
        Text(x=3, y=2.5, width=inner, height=6.5, text="{sku}", size=15, bold=True),
        Text(x=3, y=9, width=inner, height=8.5, text="{name}", size=10, fit="wrap"),
        Line(x=3, y=18, width=inner, height=0.3),
        Text(x=3, y=18.8, width=inner * 0.55, height=3, text="LOT", size=7),
        Text(x=3, y=21.5, width=inner * 0.55, height=7, text="{lot}", size=16, bold=True),
        Text(x=3 + inner * 0.58, y=18.8, width=inner * 0.42, height=3, text="EXPIRES", size=7),
        Text(x=3 + inner * 0.58, y=21.5, width=inner * 0.42, height=7, text="{expires}", size=16, bold=True),
        Bars(
            x=1, y=29.5, width=width - 2, height=height - 31, symbology="gs1_128", square=True, elements=_LOT_ELEMENTS,
            data="{code}", otherwise="auto",
        ),
    ]  # fmt: skip


SHIPPED: Final[dict[str, TemplateBody]] = {
    "item-a4-3x8": TemplateBody(
        name="Item, A4, 24 on a sheet", kind="item", size=SHEETS["a4-3x8"], elements=_item(70, 37, 4, 13)
    ),
    "item-letter-3x10": TemplateBody(
        name="Item, Letter, 30 on a sheet", kind="item", size=SHEETS["letter-3x10"], elements=_item(66.67, 25.4, 2.2, 9)
    ),
    "item-roll-57x32": TemplateBody(
        name="Item, roll 57 × 32 mm", kind="item", size=Roll(width=57, height=32), elements=_item(57, 32, 2, 11)
    ),
    "lot-roll-100x50": TemplateBody(
        name="Lot, roll 100 × 50 mm", kind="lot", size=Roll(width=100, height=50), elements=_lot(100, 50)
    ),
    "lot-roll-57x32": TemplateBody(
        name="Lot with DataMatrix, roll 57 × 32 mm",
        kind="lot",
        size=Roll(width=57, height=32, dpi=300),
        elements=[
            Text(x=2, y=1.5, width=53, height=5, text="{sku}", size=11, bold=True),
            Text(x=2, y=6.5, width=53, height=6.5, text="{name}", size=8, fit="wrap"),
            Bars(
                x=2,
                y=13.5,
                width=17,
                height=17,
                symbology="gs1_datamatrix",
                elements=_LOT_ELEMENTS,
                data="{code}",
                otherwise="datamatrix",
                readable=False,
                align="left",
            ),
            Text(x=21, y=13.5, width=34, height=2.6, text="LOT", size=6, least=5),
            Text(x=21, y=15.8, width=34, height=5.6, text="{lot}", size=13, bold=True),
            Text(x=21, y=22, width=34, height=2.6, text="EXPIRES", size=6, least=5),
            Text(x=21, y=24.3, width=34, height=5.6, text="{expires}", size=13, bold=True),
        ],
    ),
    "place-roll-100x50": TemplateBody(
        name="Place, roll 100 × 50 mm", kind="place", size=Roll(width=100, height=50), elements=_place(100, 50, 3)
    ),
    "place-a4-2x7": TemplateBody(
        name="Place, A4, 14 on a sheet", kind="place", size=SHEETS["a4-2x7"], elements=_place(99.1, 38.1, 4)
    ),
    "plate-roll-100x150": TemplateBody(
        name="Pallet with SSCC, roll 100 × 150 mm",
        kind="plate",
        size=Roll(width=100, height=150),
        elements=[
            Text(x=4, y=4, width=92, height=4, text="CONTENTS", size=8),
            Text(x=4, y=8, width=92, height=22, text="{contents}", size=18, least=9, bold=True, fit="wrap"),
            Line(x=4, y=32, width=92, height=0.4),
            Text(x=4, y=34, width=44, height=4, text="ORDER", size=8),
            Text(x=4, y=38, width=44, height=8, text="{order}", size=17, bold=True),
            Text(x=52, y=34, width=44, height=4, text="PLACE", size=8),
            Text(x=52, y=38, width=44, height=8, text="{place}", size=17, bold=True),
            Text(x=4, y=48, width=92, height=4, text="TO", size=8),
            Text(x=4, y=52, width=92, height=9, text="{customer}", size=18, bold=True),
            Text(x=4, y=63, width=44, height=8, text="{weight}", size=15),
            Text(x=52, y=63, width=44, height=8, text="{number} / {of}", size=15, bold=True),
            Line(x=4, y=74, width=92, height=0.4),
            Text(x=4, y=76, width=92, height=4, text="SSCC", size=8),
            Text(x=4, y=80, width=92, height=10, text="{sscc}", size=24, bold=True),
            Bars(
                x=2,
                y=96,
                width=96,
                height=50,
                symbology="gs1_128",
                elements=[ElementField(ai="00", field="sscc")],
                data="{code}",
                otherwise="code128",
                square=True,
            ),
        ],
    ),
    "receipt-roll-100x50": TemplateBody(
        name="Received goods, roll 100 × 50 mm",
        kind="receipt",
        size=Roll(width=100, height=50),
        elements=[
            Text(x=3, y=2.5, width=64, height=6.5, text="{sku}", size=15, bold=True),
            Text(x=68, y=2.5, width=29, height=6.5, text="{quantity} {unit}", size=15, bold=True, align="right"),
            Text(x=3, y=9, width=94, height=8, text="{name}", size=10, fit="wrap"),
            Line(x=3, y=17.8, width=94, height=0.3),
            Text(x=3, y=18.6, width=46, height=5, text="{receipt}  {received}", size=10),
            Text(x=50, y=18.6, width=47, height=5, text="{order}  {supplier}", size=10, align="right"),
            Text(x=3, y=23.8, width=46, height=5.2, text="Lot {lot}", size=12, bold=True),
            Text(x=50, y=23.8, width=47, height=5.2, text="Expires {expires}", size=12, bold=True, align="right"),
            Bars(
                x=1,
                y=29.5,
                width=98,
                height=19,
                symbology="gs1_128",
                elements=_LOT_ELEMENTS,
                data="{code}",
                otherwise="auto",
            ),
        ],
    ),
}
"""By code. What is changed of them is kept in the database; restored, they are these again."""
