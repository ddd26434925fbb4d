"""Labels as ZPL II, for Zebra printers and those that speak its language.

Always true: what is written is ASCII; all text is UTF-8 in ^FH's hexadecimal; nothing in the data can end a field.

Linear barcodes are the printer's own (^BC, ^BE, ^B8, ^BU, ^B2), sized by ^BY to whole dots. Squares are drawn as a
picture (^GF), as printers choose a QR code's size and its FNC1 each in their own way. Text is in the printer's font 0,
whose widths are estimated, wide rather than narrow, so that it does not run out of its box.
"""

import math
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final

from perpetua.gs1.service import IDENTIFIERS
from perpetua.kit.barcodes import Symbol
from perpetua.labels.rules.code128 import FNC1, code128
from perpetua.labels.rules.laying import Fill, Frame, Part, Shape, Words
from perpetua.labels.rules.sizes import MM_PER_INCH
from perpetua.labels.types import Roll

__all__ = ["escaped", "zpl"]

_LINE: Final = 1.15
"""From one line of text to the next, in sizes."""
_SIGN_WIDTHS: Final = (("il.,:;'|!Ijt()[] f-", 0.34), ("MWmw@%", 0.92), ("ABCDEFGHKLNOPQRSTUVXYZ&0123456789", 0.64))
_USUAL_WIDTH: Final = 0.58
_WIDEST: Final = 1.0
_BOLD: Final = 1.08
_JUSTIFIED: Final = {"left": "L", "center": "C", "right": "R"}
_RUN: Final = re.compile(r"(.)\1*")
_RUNS: Final = "GHIJKLMNOPQRSTUVWXY"


def zpl(labels: Iterable[tuple[Sequence[Part], int]], size: Roll) -> str:
    """A batch: parts of each label, and how many of it."""
    return "".join(_label(parts, copies, size) for parts, copies in labels)


def _label(parts: Sequence[Part], copies: int, size: Roll) -> str:
    width, height = _dots(size.width, size), _dots(size.height, size)
    fields = "".join(_part(part, size) for part in parts)
    return f"^XA^CI28^PW{width}^LL{height}^LH0,0\n{fields}^PQ{copies},0,1,Y^XZ\n"


def _part(part: Part, size: Roll) -> str:
    at = f"^FO{_dots(part.x, size)},{_dots(part.y, size)}"
    wide, high = max(_dots(part.width, size), 1), max(_dots(part.height, size), 1)
    match part:
        case Words():
            return _words(part, size)
        case Shape() if part.symbol.linear:
            return f"{at}{_bars(part, high, size)}^FS\n"
        case Shape():
            return f"{at}{_picture(part.symbol, round(part.module / MM_PER_INCH * size.dpi))}^FS\n"
        case Fill():
            return f"{at}^GB{wide},{high},{min(wide, high)}^FS\n"
        case Frame():
            return f"{at}^GB{wide},{high},{max(_dots(part.thickness, size), 1)}^FS\n"


def _bars(part: Shape, high: int, size: Roll) -> str:
    """A linear barcode without the printer's own text: ours is below."""
    module = max(round(part.module / MM_PER_INCH * size.dpi), 1)
    width = f"^BY{module},3,{high}"
    match part.symbol.symbology:
        case "gs1_128":
            return f"{width}^BCN,{high},N,N,N^FH^FD{escaped(code128(FNC1 + _element_string(part)))}"
        case "ean13":
            return f"{width}^BEN,{high},N,N^FD{part.data[:-1]}"
        case "ean8":
            return f"{width}^B8N,{high},N,N^FD{part.data[:-1]}"
        case "upca":
            return f"{width}^BUN,{high},N,N,N^FD{part.data[:-1]}"
        case "itf14":
            return f"{width}^B2N,{high},N,N,N^FD{part.data}"
        case _:
            return f"{width}^BCN,{high},N,N,N^FH^FD{escaped(code128(part.data))}"


def _element_string(part: Shape) -> str:
    written = ""
    for place, (ai, value) in enumerate(part.pairs):
        ends = place == len(part.pairs) - 1 or IDENTIFIERS[ai].fixed
        written += ai + value + ("" if ends else FNC1)
    return written


def _picture(symbol: Symbol, module: int) -> str:
    """The symbol as ^GF, a row of hexadecimal a line of dots, in ZPL's own compression."""
    rows = _squares(symbol)
    bytes_wide = -(-symbol.width * module // 8)
    lines: list[str] = []
    for row in rows:
        bits = "".join("1" * module if black else "0" * module for black in row).ljust(bytes_wide * 8, "0")
        lines.append(_compressed(f"{int(bits, 2):0{bytes_wide * 2}X}") + ":" * (module - 1))
    total = bytes_wide * symbol.height * module
    return f"^GFA,{total},{total},{bytes_wide},{''.join(lines)}"


def _squares(symbol: Symbol) -> list[list[bool]]:
    """Which squares are black, row by row, out of the symbol's path (`M x y h w v h h -w Z` again and again)."""
    grid = [[False] * symbol.width for _ in range(symbol.height)]
    for piece in symbol.path.removeprefix("M").split("M"):
        start, _, rest = piece.partition("h")
        wide, _, rest = rest.partition("v")
        high, _, _ = rest.partition("h")
        x, y = (int(part) for part in start.split())
        for row in range(y, y + int(high)):
            grid[row][x : x + int(wide)] = [True] * int(wide)
    return grid


def _compressed(line: str) -> str:
    """Runs of a digit as their length before it: G to Y are 1 to 19, g to z are 20 to 400."""
    written: list[str] = []
    for run in _RUN.finditer(line):
        digit, left = run[1], len(run[0])
        while left > 400:
            written.append("z" + digit)
            left -= 400
        twenties, ones = divmod(left, 20)
        if left == 1:
            written.append(digit)
        else:
            written.append((chr(ord("f") + twenties) if twenties else "") + (_RUNS[ones - 1] if ones else "") + digit)
    return "".join(written)


@lru_cache(maxsize=4096)
def _words(part: Words, size: Roll) -> str:
    """A text as ^A0 in a block of its box's width."""
    wide, high = _dots(part.width, size), _dots(part.height, size)
    points = size.dpi / 72
    tall, lines = _fitting(part, wide, high, points)
    dots = max(round(tall), 8)
    count = len(lines)
    above = 0 if part.wrap else max((high - dots) // 2, 0)
    font = f"^A0N,{dots},{round(dots * _BOLD) if part.bold else dots}"
    at = f"^FO{_dots(part.x, size)},{_dots(part.y, size) + above}{font}"
    block = f"^FB{wide},{count},{round(dots * (_LINE - 1))},{_JUSTIFIED[part.align]},0"
    # Each of our lines ends with a break of its own; within one, the printer finds nothing to break.
    text = "\\&".join(escaped(line.replace("\\", "\\\\")) for line in lines)
    return f"{at}{block}^FH^FD{text}^FS\n"


def _fitting(part: Words, wide: int, high: int, points: float) -> tuple[float, list[str]]:
    """The size in dots and the lines; cut with "…" where it is too long even at the least size."""
    tall, least = part.size * points, part.least * points
    while True:
        lines = _lines(part, tall, wide)
        fits = len(lines) * tall * _LINE <= high + tall * (_LINE - 1) + 1 and all(
            _width(line, tall, part.bold) <= wide for line in lines
        )
        if fits or tall <= least:
            break
        tall = max(least, tall * 0.95)
    room = max(int((high + tall * (_LINE - 1) + 1) // (tall * _LINE)), 1)
    kept = lines[:room]
    if len(lines) > room:
        kept[-1] += "…"
    return tall, [_cut(line, tall, part.bold, wide) for line in kept]


def _lines(part: Words, tall: float, wide: int) -> list[str]:
    """The text in lines, broken between words."""
    if not part.wrap:
        return [part.text]
    lines = [""]
    for word in part.text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and _width(longer, tall, part.bold) > wide:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def _cut(line: str, tall: float, bold: bool, wide: int) -> str:
    """The line, or as much of it as there is room for."""
    if _width(line, tall, bold) <= wide:
        return line
    kept = line.rstrip("…")
    while kept and _width(kept + "…", tall, bold) > wide:
        kept = kept[:-1]
    return kept + "…"


def _width(line: str, tall: float, bold: bool) -> float:
    """Dots that a line takes in font 0, at the least."""
    return sum(map(_sign_width, line)) * tall * (_BOLD if bold else 1)


@lru_cache(maxsize=4096)
def _sign_width(sign: str) -> float:
    if not sign.isascii():
        return _WIDEST if ord(sign) > 0x2E7F else 0.66
    return next((width for signs, width in _SIGN_WIDTHS if sign in signs), _USUAL_WIDTH)


def escaped(text: str) -> str:
    """The text for ^FH: what ends fields or is no ASCII as _ and two hexadecimal digits a byte."""
    return "".join(
        sign if " " <= sign <= "~" and sign not in "^~_" else "".join(f"_{byte:02X}" for byte in sign.encode())
        for sign in text
    )


def _dots(millimetres: float, size: Roll) -> int:
    return math.floor(millimetres / MM_PER_INCH * size.dpi + 0.5)
