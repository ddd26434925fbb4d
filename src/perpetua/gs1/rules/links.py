"""GS1 Digital Link URIs: a key, its qualifiers and attributes as a web address, under any domain and path.

Source: GS1 Digital Link Standard: URI Syntax 1.4; names in letters as in 1.0 are read, but not written.
"""

import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import quote, unquote

from perpetua.gs1.rules.faults import Fault
from perpetua.gs1.rules.identifiers import IDENTIFIERS
from perpetua.gs1.rules.raw import Raw, checked, known, without_repeats
from perpetua.gs1.types import Identifier

__all__ = ["IS_LINK", "read_link", "write_link"]

IS_LINK: Final = re.compile(r"https?://", re.IGNORECASE)
_ADDRESS: Final = re.compile(r"(https?://[^/?#\s]+)(/[^?#]*)?(?:\?([^#]*))?(?:#.*)?", re.IGNORECASE | re.DOTALL)
_NAMES: Final = {
    "gtin": "01", "itip": "8006", "gmn": "8013", "cpid": "8010", "gln": "414", "payto": "415", "party": "417",
    "gsrn": "8018", "gsrnp": "8017", "gcn": "255", "sscc": "00", "gdti": "253", "ginc": "401", "gsin": "402",
    "grai": "8003", "giai": "8004", "cpv": "22", "lot": "10", "ser": "21", "cpsn": "8011", "glnx": "254",
    "refno": "8020", "srin": "8019", "exp": "17",
}  # fmt: skip
_ADVICE: Final = "A link has a key and its value in the path, such as https://id.gs1.org/01/09520123456788."


def read_link(text: str, start: int) -> tuple[str, list[Raw]]:
    """What stands before the key, and the elements: key, qualifiers, attributes.

    Raises:
        Fault: no key, a qualifier where it can't be, or a wrong value.
    """
    found = _ADDRESS.fullmatch(text)
    if not found:
        raise Fault("is no web address", "link", start, advice=_ADVICE)
    path = found[2] or ""
    segments = [(piece[0], start + found.end(1) + piece.start() + 1) for piece in re.finditer(r"(?<=/)[^/]*", path)]
    segments = [(text, at - 1) for text, at in segments]
    if segments and not segments[-1][0]:
        segments.pop()
    first: Fault | None = None
    for place, (name, _) in enumerate(segments[:-1]):
        identifier = IDENTIFIERS.get(_ai(name))
        if identifier is None or not identifier.key:
            continue
        try:
            raws = _pairs(identifier, segments[place:])
        except Fault as fault:
            first = first or fault
            continue
        stem = found[1] + "".join(f"/{text}" for text, _ in segments[:place])
        query_at = start + (found.start(3) if found[3] is not None else 0)
        return stem, without_repeats([*raws, *_attributes(found[3] or "", query_at)])
    raise first or Fault("holds no GS1 key", "link", start, advice=_ADVICE)


def write_link(stem: str, elements: Sequence[tuple[str, str]]) -> str:
    """The address of elements, of which one is a key. The order of qualifiers and attributes is the standard's.

    Raises:
        Fault: no key, or an element that links can't carry.
    """
    if not _ADDRESS.fullmatch(stem) or "?" in stem or "#" in stem:
        raise Fault(f"{stem!a} is no web address that a link can begin with", "link", advice=_ADVICE)
    trouble = Fault("none of the elements is the key of a link", "link", advice=_ADVICE)
    for key, value in elements:
        if not IDENTIFIERS[key].key:
            continue
        held = {ai: one for ai, one in elements if ai != key}
        for sequence in (*IDENTIFIERS[key].qualifiers, ()):
            chosen = [ai for ai in sequence if ai in held]
            rest = [ai for ai in held if ai not in chosen]
            if lost := next((ai for ai in rest if not IDENTIFIERS[ai].attribute), None):
                trouble = Fault(f"a link to ({key}) can't carry ({lost})", "link", ai=lost, value=held[lost])
                continue
            path = "".join(f"/{ai}/{quote(held[ai], safe='')}" for ai in chosen)
            query = "&".join(f"{ai}={quote(held[ai], safe='')}" for ai in rest)
            return f"{stem.rstrip('/')}/{key}/{quote(value, safe='')}{path}{'?' if query else ''}{query}"
    raise trouble


def _ai(name: str) -> str:
    return _NAMES.get(name.lower(), name)


def _pairs(key: Identifier, segments: list[tuple[str, int]]) -> list[Raw]:
    if len(segments) % 2:
        name, at = segments[-1]
        raise Fault(f"nothing follows {name[:20]!a} in the path", "link", at, advice=_ADVICE)
    raws = [
        _element(_ai(name), value, at, value_at)
        for (name, at), (value, value_at) in zip(segments[::2], segments[1::2], strict=True)
    ]
    rest = [one.ai for one in raws[1:]]
    if rest and not any(_in_order(rest, sequence) for sequence in key.qualifiers):
        after = " ".join(f"({ai})" for ai in rest)
        reason = f"{after} can't follow ({key.ai}) in a path, at least not in this order"
        raise Fault(reason, "link", raws[1].at, ai=raws[1].ai, value=raws[1].value)
    return raws


def _in_order(wanted: list[str], sequence: tuple[str, ...]) -> bool:
    left = iter(sequence)
    return all(ai in left for ai in wanted)


def _attributes(query: str, start: int) -> list[Raw]:
    raws: list[Raw] = []
    for piece in re.finditer(r"[^&;]+", query):
        name, _, value = piece[0].partition("=")
        ai = _ai(name)
        if not (ai.isascii() and ai.isdigit()):
            continue  # the address's own
        at = start + piece.start()
        if not known(ai, at).attribute:
            raise Fault(
                f"({ai}) can't stand behind the question mark of a link", "link", at, ai=ai, value=unquote(value)
            )
        raws.append(_element(ai, value, at, at + len(name) + 1))
    return raws


def _element(ai: str, written: str, at: int, value_at: int) -> Raw:
    value = unquote(written)
    if ai in ("01", "02") and len(value) in (8, 12, 13):
        value = value.zfill(14)  # as links were written before version 1.2
    try:
        return checked(ai, value, at, value_at=value_at)
    except Fault as fault:
        if value != written:  # its characters are not where they were written
            fault.at = value_at
        raise
