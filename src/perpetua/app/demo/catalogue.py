"""The made-up catalogue: products with variants, prices, weights and barcodes, from a seeded random generator.

GTINs begin with 952, which GS1 keeps for demonstrations and examples: no real article has such a number, so a scanner
that meets a real one never finds a made-up item.
"""

import random
from decimal import Decimal
from typing import Any, Final

import msgspec

from perpetua.app.demo.names import BRANDS, COLOURS, CONSIGNORS, KINDS, MODELS, SIZES, Kind, Season
from perpetua.items.types import Tracking

__all__ = ["GTIN_PREFIX", "Item", "Model", "catalogue", "gtin13", "gtin14"]

GTIN_PREFIX: Final = "9520001"
"""952: GS1's range for demonstrations; 0001: the company in it. Five digits are left for the article."""


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One variant."""

    sku: str
    name: str
    attributes: dict[str, Any]
    unit: str
    tracking: Tracking
    cost: Decimal
    price: Decimal
    weight_kg: Decimal
    each_code: str
    case_code: str
    case: int
    season: Season
    weight: float
    """How well it sells, beside the others."""


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """One product with its variants."""

    name: str
    description: str
    category: tuple[str, ...]
    owner: str | None
    """Code of the consignor whose goods they are; None: the company's own."""
    attributes: dict[str, Any]
    items: list[Item]


def catalogue(rng: random.Random) -> list[Model]:
    """All products, in the order of the trade's kinds."""
    made: list[Model] = []
    article = 0
    for kind in KINDS:
        for number in range(1, kind.products + 1):
            made.append(_model(rng, kind, number, article))
            article += len(made[-1].items)
    return made


def gtin13(article: int) -> str:
    """The number on one piece."""
    body = f"{GTIN_PREFIX}{article:05d}"
    return body + _check_digit(body)


def gtin14(article: int) -> str:
    """The number on a case of it: the piece's with the indicator 1 in front and a check digit of its own."""
    body = "1" + gtin13(article)[:-1]
    return body + _check_digit(body)


def _check_digit(body: str) -> str:
    """Weights 3, 1, 3, … from the right, modulo 10 (GS1 General Specifications, 7.9)."""
    return str(-(3 * sum(map(int, body[::-2])) + sum(map(int, body[-2::-2]))) % 10)


def _model(rng: random.Random, kind: Kind, number: int, first_article: int) -> Model:
    brand = rng.choice(BRANDS)
    name = f"{brand} {MODELS[(number * 7 + hash_of(kind.code)) % len(MODELS)]} {kind.noun}"
    cost = rng.uniform(*kind.cost)
    markup = rng.uniform(1.7, 2.6) if cost < 300 else rng.uniform(1.35, 1.6)
    popularity = rng.paretovariate(1.4)
    palette = COLOURS.get(kind.palette, ("",))
    colours = rng.sample(palette, min(kind.colours, len(palette)))
    items: list[Item] = []
    for place, size in enumerate(SIZES[kind.sizes]):
        for colour in colours:
            article = first_article + len(items)
            larger = (
                1 + 0.12 * place
                if kind.sizes not in {"body", "hand", "foot", "sock", "flavour", "meal", "seed"}
                else 1.0
            )
            items.append(
                Item(
                    sku="-".join(filter(None, (kind.code, f"{number:03d}", _short(size), colour[:3].upper()))),
                    name=", ".join(filter(None, (name, size, colour))),
                    attributes={key: value for key, value in (("size", size), ("colour", colour)) if value},
                    unit=kind.unit,
                    tracking=kind.tracking,
                    cost=Decimal(f"{cost * larger:.2f}"),
                    price=_price(cost * larger * markup),
                    weight_kg=Decimal(f"{kind.grams * larger / 1000:.3f}"),
                    each_code=gtin13(article),
                    case_code=gtin14(article),
                    case=kind.case,
                    season=kind.season,
                    weight=popularity * _middle(place, len(SIZES[kind.sizes])) * rng.uniform(0.6, 1.4),
                )
            )
    return Model(
        name=name,
        description=f"{kind.noun} by {brand}.",
        category=(*kind.category.split("/"), kind.noun),
        owner=_owner(kind, number),
        attributes={"brand": brand, "season": kind.season},
        items=items,
    )


def hash_of(text: str) -> int:
    """The same number for the same text in every run (Python's own differs)."""
    return sum(ord(letter) * 31**place for place, letter in enumerate(text))


def _owner(kind: Kind, number: int) -> str | None:
    if kind.code == "TNT" and number <= 2:
        return CONSIGNORS[0][0]
    return CONSIGNORS[1][0] if kind.code == "MUG" and number <= 2 else None


def _short(size: str) -> str:
    """A size as part of a SKU."""
    if size.isascii() and size.replace(" ", "").isalpha() and len(size) > 3:
        return "".join(word[:2] for word in size.split()).upper()[:4] if " " in size else size[:3].upper()
    cleaned = size.replace("–", "").replace("×", "X").replace("&", "").replace("-person", "P")
    return "".join(letter for letter in cleaned if letter.isalnum() or letter == ".").upper()[:8]


def _price(amount: float) -> Decimal:
    """As a shop writes it: 4.95, 39.00."""
    whole = round(amount)
    return Decimal(f"{amount:.1f}5") if whole < 10 else Decimal(f"{whole - 1}.95" if whole < 60 else f"{whole}.00")


def _middle(place: int, count: int) -> float:
    """Middle sizes sell best."""
    return 1.0 if count < 3 else 1.4 - 1.6 * abs(place - (count - 1) / 2) / count
