"""Barcodes as bars and squares: what zint (in zxing-cpp) makes of data, as numbers of modules and as SVG.

Always true: what is made here is read back by a scanner as the same data, under the symbology identifier it names,
GS1 data with FNC1 where the standard wants it (tests read every kind at 203 and 300 dots per inch).
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final, Literal, cast, get_args

import msgspec
import zxingcpp

from perpetua.kit.errors import InvalidValue

__all__ = ["GS1", "LINEAR", "SYMBOLOGIES", "Symbol", "Symbology", "make", "make_gs1"]

Symbology = Literal[
    "code128", "gs1_128", "ean13", "ean8", "upca", "itf14", "qr", "gs1_qr", "datamatrix", "gs1_datamatrix",
]  # fmt: skip

SYMBOLOGIES: Final[tuple[Symbology, ...]] = get_args(Symbology)
GS1: Final[frozenset[Symbology]] = frozenset({"gs1_128", "gs1_qr", "gs1_datamatrix"})
"""They carry elements (identifier and value); the others carry text."""
LINEAR: Final[frozenset[Symbology]] = frozenset({"code128", "gs1_128", "ean13", "ean8", "upca", "itf14"})

_DIGITS: Final[dict[str, int]] = {"ean13": 13, "ean8": 8, "upca": 12, "itf14": 14}
_PATH: Final = re.compile(r' d="([^"]*)"')
_BARS: Final = re.compile(rb"\x00+")


class _Kind(msgspec.Struct, frozen=True):
    """How zint calls it, the identifier that a scanner names it by, and what must stay white at left and right (and,
    for squares, above and below), in modules.
    """

    format: zxingcpp.BarcodeFormat
    identifier: str
    quiet: tuple[int, int]


_KINDS: Final[dict[Symbology, _Kind]] = {
    "code128": _Kind(zxingcpp.BarcodeFormat.Code128, "]C0", (10, 10)),
    "gs1_128": _Kind(zxingcpp.BarcodeFormat.Code128, "]C1", (10, 10)),
    "ean13": _Kind(zxingcpp.BarcodeFormat.EAN13, "]E0", (11, 7)),
    "ean8": _Kind(zxingcpp.BarcodeFormat.EAN8, "]E4", (7, 7)),
    "upca": _Kind(zxingcpp.BarcodeFormat.UPCA, "]E0", (9, 9)),
    "itf14": _Kind(zxingcpp.BarcodeFormat.ITF, "]I1", (10, 10)),
    "qr": _Kind(zxingcpp.BarcodeFormat.QRCode, "]Q1", (4, 4)),
    "gs1_qr": _Kind(zxingcpp.BarcodeFormat.QRCode, "]Q3", (4, 4)),
    "datamatrix": _Kind(zxingcpp.BarcodeFormat.DataMatrix, "]d1", (2, 2)),
    "gs1_datamatrix": _Kind(zxingcpp.BarcodeFormat.DataMatrix, "]d2", (2, 2)),
}


class Symbol(msgspec.Struct, frozen=True, kw_only=True):
    """A barcode in modules (the width of its narrowest bar). A linear one is one module high, and drawn higher.

    `quiet`: modules that must stay white at its left and right; for squares also above and below. They are not part of
    `width`. `path`: the black parts as an SVG path.
    """

    symbology: Symbology
    identifier: str
    width: int
    height: int
    quiet: tuple[int, int]
    path: str

    @property
    def linear(self) -> bool:
        """Whether it is bars, which may be stretched in height."""
        return self.symbology in LINEAR

    def svg(self) -> str:
        """A picture without quiet zone, to be drawn in the proportions asked for."""
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{self.width}" height="{self.height}"'
            f' viewBox="0 0 {self.width} {self.height}" preserveAspectRatio="none" shape-rendering="crispEdges">'
            f'<path d="{self.path}"/></svg>'
        )


def make(symbology: Symbology, data: str, *, field: str = "data") -> Symbol:
    """A barcode of text (not of GS1 elements).

    Args:
        symbology: one that is not in `GS1`.
        data: for ean13, ean8, upca and itf14 all their digits, the check digit among them; for code128 printable
            ASCII; for the others any text.
        field: how a refusal calls it.

    Raises:
        InvalidValue: the symbology can't carry it.
    """
    if symbology in GS1:
        raise ValueError(f"{symbology} carries elements: use make_gs1")
    if digits := _DIGITS.get(symbology):
        if not re.fullmatch(rf"[0-9]{{{digits}}}", data):
            raise InvalidValue(field, data, f"{symbology} has {digits} digits")
        if data[-1] != _check_digit(data[:-1]):
            expected = _check_digit(data[:-1])
            raise InvalidValue(field, data, f"its check digit must be {expected}", expected=expected)
    elif not data:
        raise InvalidValue(field, data, "is empty")
    elif symbology == "code128" and not re.fullmatch(r"[ -~]+", data):
        raise InvalidValue(field, data, "Code 128 takes letters, digits and signs of ASCII; use qr or datamatrix")
    return _made(symbology, data, field)


def make_gs1(symbology: Symbology, elements: Sequence[tuple[str, str]], *, field: str = "elements") -> Symbol:
    """A barcode of GS1 elements, each an application identifier and its value, which the caller has checked.

    Raises:
        InvalidValue: the symbology can't carry them.
    """
    if symbology not in GS1:
        raise ValueError(f"{symbology} carries text: use make")
    if not elements:
        raise InvalidValue(field, "", "is empty")
    return _made(symbology, "".join(f"[{ai}]{value}" for ai, value in elements), field)


@lru_cache(maxsize=4096)
def _made(symbology: Symbology, data: str, field: str) -> Symbol:
    kind = _KINDS[symbology]
    options: dict[str, object] = {"gs1": True} if symbology in GS1 else {}
    if symbology in {"qr", "gs1_qr"}:
        options["ec_level"] = "M"
    if symbology in {"datamatrix", "gs1_datamatrix"}:
        options["force_square"] = True
    if not data.isascii():
        options["eci"] = "UTF-8"  # said in the symbol: else scanners guess, and take "¡" for Japanese
    try:
        made: zxingcpp.Barcode = cast(Any, zxingcpp).create_barcode(data, kind.format, **options)
    except ValueError as error:
        raise InvalidValue(field, data, _reason(str(error))) from None
    if symbology in LINEAR:
        image = memoryview(cast(Any, zxingcpp.write_barcode_to_image(made, add_quiet_zones=False)))
        assert image.shape is not None
        width, height = image.shape[1], 1
        bars = [match.span() for match in _BARS.finditer(bytes(image)[:width])]
        path = "".join(f"M{start} 0h{end - start}v1h-{end - start}Z" for start, end in bars)
    else:
        drawn = zxingcpp.write_barcode_to_svg(made, add_quiet_zones=False)
        found, size = _PATH.search(drawn), re.search(r'<svg width="(\d+)" height="(\d+)"', drawn)
        assert found is not None
        assert size is not None
        path, width, height = found[1], int(size[1]), int(size[2])
    return Symbol(
        symbology=symbology, identifier=kind.identifier, width=width, height=height, quiet=kind.quiet, path=path
    )


def _reason(said: str) -> str:
    """What zint says, without its own numbers: "Error 341: Input too long, … (retval: 5)"."""
    said = re.sub(r"^Error \d+: |\s*\(retval: \d+\)$", "", said)
    return said[:1].lower() + said[1:]


def _check_digit(body: str) -> str:
    """The last digit of an EAN, UPC or GTIN: weights 3 and 1 from the right (GS1 General Specifications, 7.9)."""
    return str(-sum(int(digit) * (3, 1)[place % 2] for place, digit in enumerate(reversed(body))) % 10)
