"""Code 128 as ZPL writes it: the shortest way through its code sets B and C, said in full, so that every printer makes
the same bars.

Source: ISO/IEC 15417 (code sets); ZPL II Programming Guide, ^BC (`>:` `>;` begin, `>6` `>5` change to B and C, `>8` is
FNC1).
"""

from collections.abc import Sequence
from typing import Final

__all__ = ["FNC1", "code128", "modules"]

FNC1: Final = "\x1d"
"""Stands for FNC1 in what is to be written."""

_BEGIN: Final = {"B": ">:", "C": ">;"}
_CHANGE: Final = {"B": ">6", "C": ">5"}
_SIGN: Final = {FNC1: ">8", ">": ">0"}


def code128(data: str) -> str:
    """What follows ^FD for printable ASCII and FNC1 (which may also come first, for GS1-128)."""
    return _write(_shortest(data))


def modules(data: str) -> int:
    """How wide the symbol is, without quiet zone: start, data, check and stop."""
    return 11 * (len(_shortest(data)) + 1) + 13


def _write(symbols: Sequence[tuple[str, str]]) -> str:
    """Symbols, each its code set and what it says ("" for a change to that set)."""
    (first, _), *rest = symbols
    written = [_BEGIN[first]]
    for code_set, said in rest:
        written.append(_CHANGE[code_set] if not said else _SIGN.get(said, said))
    return "".join(written)


def _shortest(data: str) -> list[tuple[str, str]]:
    """The fewest symbols: the cheapest way to each place in each code set, from the first to the last.

    The first symbol is the start; a change of sets costs one.
    """
    best: list[dict[str, tuple[int, list[tuple[str, str]]]]] = [{} for _ in range(len(data) + 1)]
    best[0] = {code_set: (1, [(code_set, "start")]) for code_set in "CB"}
    for place in range(len(data)):
        for code_set, (cost, way) in _changed(best[place]).items():
            for said in _said(data, place, code_set):
                there = best[place + len(said)]
                if code_set not in there or cost + 1 < there[code_set][0]:
                    there[code_set] = (cost + 1, [*way, (code_set, said)])
    return min(best[-1].values(), key=lambda found: found[0])[1]


def _changed(
    here: dict[str, tuple[int, list[tuple[str, str]]]],
) -> dict[str, tuple[int, list[tuple[str, str]]]]:
    """The cheapest way to be in each code set at one place."""
    found = dict(here)
    for to, other in (("B", "C"), ("C", "B")):
        if other in here and (to not in here or here[other][0] + 1 < here[to][0]):
            cost, way = here[other]
            found[to] = (cost + 1, [*way, (to, "")])
    return found


def _said(data: str, place: int, code_set: str) -> list[str]:
    """What one symbol of a code set can say from here."""
    if data[place] == FNC1:
        return [FNC1]
    if code_set == "B":
        return [data[place]]
    pair = data[place : place + 2]
    return [pair] if len(pair) == 2 and pair.isascii() and pair.isdigit() else []
