"""Labels on pages: what labels.typ is handed."""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from perpetua.labels.rules.laying import Part, Shape, Words
from perpetua.labels.rules.sizes import PAGES, label_size
from perpetua.labels.types import Sheet, Size

__all__ = ["check_digits", "pages_of"]

_CHECKS: Final = 100
MM_PER_POINT: Final = 25.4 / 72
WIDEST_EM: Final = 0.95
"""W, @ and % of the bold face are narrower."""
LINE_EM: Final = 1.19
"""A line's height, as labels.typ has it, and a little."""


def pages_of(
    labels: Iterable[tuple[Sequence[Part], int]], size: Size, *, start: int = 1, alone: bool = False
) -> dict[str, Any]:
    """The pages of a batch: on sheets, the first label at position `start`; on a roll, or where they are to stand
    `alone`, each on a page of its own.
    """
    drawn = _Drawn()
    every = [parts for parts, copies in labels for _ in range(copies)]
    if isinstance(size, Sheet) and not alone:
        width, height = PAGES[size.page]
        first = range(start - 1, start - 1 + len(every))
        places = [(place // size.count, *_position(place % size.count, size)) for place in first]
    else:
        width, height = label_size(size)
        places = [(page, 0.0, 0.0) for page in range(len(every))]
    pages: list[list[dict[str, Any]]] = [[] for _ in range(places[-1][0] + 1 if places else 0)]
    for parts, (page, x, y) in zip(every, places, strict=True):
        pages[page].append({"x": x, "y": y, "parts": drawn.parts(parts)})
    return {"width": width, "height": height, "symbols": drawn.symbols, "pages": pages}


def _position(place: int, sheet: Sheet) -> tuple[float, float]:
    """Where a label of a sheet begins: row by row, from the left."""
    row, column = divmod(place, sheet.columns)
    return round(sheet.left + column * sheet.pitch_x, 4), round(sheet.top + row * sheet.pitch_y, 4)


class _Drawn:
    """Parts as data; a symbol that comes again is there once."""

    def __init__(self) -> None:
        self.symbols: list[str] = []
        self._known: dict[str, int] = {}
        self._made: dict[int, list[dict[str, Any]]] = {}

    def parts(self, parts: Sequence[Part]) -> list[dict[str, Any]]:
        """A label's parts; those of its copies are made once."""
        if id(parts) not in self._made:
            self._made[id(parts)] = [self._part(part) for part in parts]
        return self._made[id(parts)]

    def _part(self, part: Part) -> dict[str, Any]:
        if isinstance(part, Words):
            return {**msgspec.to_builtins(part), "sure": _surely_fits(part)}
        if not isinstance(part, Shape):
            return msgspec.to_builtins(part)
        svg = part.symbol.svg()
        if svg not in self._known:
            self._known[svg] = len(self.symbols)
            self.symbols.append(svg)
        places = {"x": part.x, "y": part.y, "width": part.width, "height": part.height}
        return {"is": "shape", **places, "symbol": self._known[svg]}


def _surely_fits(part: Words) -> bool:
    """Whether no letter of ASCII is so wide that it wouldn't: then nothing need be measured, which takes long."""
    em = part.size * MM_PER_POINT
    return part.text.isascii() and len(part.text) * em * WIDEST_EM <= part.width and em * LINE_EM <= part.height


def check_digits(code: str) -> str:
    """Two digits that a picker says to prove which place they stand at; they follow from the place's code alone."""
    return f"{int.from_bytes(hashlib.sha256(code.upper().encode()).digest()[:8], 'big') % _CHECKS:02d}"
