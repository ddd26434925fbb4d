"""Reads labels as a scanner and a label printer do: pictures by zxing-cpp, ZPL by its own rules."""

import io
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import zxingcpp
from PIL import Image

from perpetua.kit import typeset
from perpetua.labels.rules.laying import Part
from perpetua.labels.rules.paging import pages_of
from perpetua.labels.types import Size

TEMPLATE = typeset.packaged("perpetua.labels", "labels.typ")


class Seen(NamedTuple):
    """What a scanner says: the symbology identifier, and the data with GS for FNC1."""

    identifier: str
    data: str


async def scanned(
    labels: Iterable[tuple[Sequence[Part], int]], size: Size, *, dpi: int, start: int = 1
) -> list[list[Seen]]:
    """What is read on each page, from top to bottom."""
    pages = await typeset.pngs(TEMPLATE, pages_of(labels, size, start=start), dpi=dpi, seconds=60)
    return [read(Image.open(io.BytesIO(page)).convert("L")) for page in pages]


def read(picture: Image.Image) -> list[Seen]:
    """What is on a picture, row by row."""
    found = zxingcpp.read_barcodes(picture)
    found.sort(key=lambda one: (round(one.position.top_left.y / 40), one.position.top_left.x))
    return [Seen(one.symbology_identifier, one.bytes.decode()) for one in found]


class Field(NamedTuple):
    """A field of a ZPL label: where it is, the commands before its data, its data after ^FH."""

    x: int
    y: int
    commands: dict[str, list[str]]
    data: str


class Printed(NamedTuple):
    """A ZPL label as a printer takes it."""

    width: int
    height: int
    quantity: int
    fields: list[Field]


def labels_of(zpl: str) -> list[Printed]:
    """The labels of a batch. What is no ZPL fails."""
    assert zpl.isascii()
    pieces = re.findall(r"\^XA(.*?)\^XZ\n?", zpl, re.DOTALL)
    assert "".join(f"^XA{piece}^XZ\n" for piece in pieces) == zpl, "something lies between the labels"
    return [_label(piece) for piece in pieces]


def _label(text: str) -> Printed:
    head, *rest = re.split(r"(?=\^FO)", text)
    sizes = re.fullmatch(r"\^CI28\^PW(\d+)\^LL(\d+)\^LH0,0\n", head)
    assert sizes is not None, head
    last, _, quantity = rest[-1].rpartition("^PQ")
    assert re.fullmatch(r"\d+,0,1,Y", quantity), quantity
    return Printed(
        int(sizes[1]), int(sizes[2]), int(quantity.partition(",")[0]), [_field(one) for one in [*rest[:-1], last]]
    )


def _field(text: str) -> Field:
    assert text.endswith("^FS\n"), text
    before, has_data, data = text[: -len("^FS\n")].partition("^FD")
    assert "^" not in data, data
    assert "~" not in data, data
    commands: dict[str, list[str]] = {}
    for command in before.split("^")[1:]:
        name = command[:2]
        commands[name] = command[2:].split(",")
    if "FH" in commands:
        data = re.sub(r"((?:_[0-9A-F]{2})+)", lambda m: bytes.fromhex(m[1].replace("_", "")).decode(), data)
    x, y = map(int, commands["FO"])
    assert bool(has_data) == (not {"GB", "GF"} & commands.keys())
    return Field(x, y, commands, data)


def barcodes_of(label: Printed) -> Iterator[Seen]:
    """What a scanner would read on the printed label."""
    for field in label.fields:
        names = field.commands.keys()
        if "BC" in names:
            assert field.commands["BC"][2:5] == ["N", "N", "N"], "the printer may choose neither text nor mode"
            yield code128(field.data)
        elif "BE" in names:
            yield Seen("]E0", with_check(field.data, 12))
        elif "B8" in names:
            yield Seen("]E4", with_check(field.data, 7))
        elif "BU" in names:
            yield Seen("]E0", "0" + with_check(field.data, 11))
        elif "B2" in names:
            assert len(field.data) == 14
            yield Seen("]I1", field.data)
        elif "GF" in names:
            yield from read(picture(field))


def with_check(digits: str, length: int) -> str:
    """What the printer makes of them: it adds the check digit."""
    assert re.fullmatch(rf"\d{{{length}}}", digits), digits
    return digits + str(-sum(int(d) * (3, 1)[i % 2] for i, d in enumerate(reversed(digits))) % 10)


def code128(written: str) -> Seen:
    """The data of ^BC in mode N: invocation codes change the set, `>8` is FNC1, `>0` is `>`."""
    sets = {">:": "B", ">;": "C", ">6": "B", ">5": "C"}
    code_set, said, place = "", "", 0
    while place < len(written):
        two = written[place : place + 2]
        if two in sets:
            assert (two in (">:", ">;")) == (place == 0), "a start is first, and only first"
            code_set = sets[two]
            place += 2
        elif two == ">8":
            said += "\x1d"
            place += 2
        elif two == ">0":
            assert code_set == "B"
            said += ">"
            place += 2
        elif code_set == "C":
            assert two.isdigit()
            assert len(two) == 2, written
            said += two
            place += 2
        else:
            assert code_set == "B", written
            assert written[place] != ">"
            said += written[place]
            place += 1
    return Seen("]C1", said[1:]) if said.startswith("\x1d") else Seen("]C0", said)


def picture(field: Field) -> Image.Image:
    """What ^GFA draws, with white around it."""
    kind, total, _, wide, coded = field.commands["GF"]
    assert kind == "A"
    rows = list(_rows(coded, int(wide)))
    assert len(rows) * int(wide) == int(total)
    drawn = Image.frombytes("1", (int(wide) * 8, len(rows)), bytes(255 - byte for row in rows for byte in row))
    whole = Image.new("L", (drawn.width + 80, drawn.height + 80), 255)
    whole.paste(drawn.convert("L"), (40, 40))
    return whole


def _rows(coded: str, wide: int) -> Iterator[bytes]:
    digits, repeat, last = "", 0, b""
    for sign in coded:
        if sign == ":":
            assert not digits
            yield last
        elif "G" <= sign <= "Y":
            repeat += ord(sign) - ord("F")
        elif "g" <= sign <= "z":
            repeat += 20 * (ord(sign) - ord("f"))
        else:
            digits += sign * (repeat or 1)
            repeat = 0
        if len(digits) == wide * 2:
            last, digits = bytes.fromhex(digits), ""
            yield last
    assert not digits
