"""From a path to the bytes of a table: what it is packed in, how large it is, how its text is encoded."""

import codecs
import contextlib
import gzip
import hashlib
import io
import re
import zipfile
import zlib
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import IO, Literal, NamedTuple, cast

from perpetua.kit.tabular.types import Limits, Unreadable

__all__ = ["Packed", "blocks", "find_encoding", "opened", "opened_text", "unpacking"]

BLOCK = 1 << 18
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252")
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_PACKED_ODD = (zlib.error, zipfile.BadZipFile, gzip.BadGzipFile, EOFError, NotImplementedError, RuntimeError)


class Packed(NamedTuple):
    """What the file's first bytes say."""

    format: Literal["csv", "xlsx"]
    packing: Literal["plain", "gz", "zip"]
    sha256: str


def unpacking(path: Path, name: str) -> Packed:
    """Look at the signature (never at the name) and take the file's hash."""
    with path.open("rb") as file:
        signature = file.read(8)
        file.seek(0)
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if signature.startswith(b"\x1f\x8b"):
        return Packed("csv", "gz", digest)
    if signature.startswith(b"PK"):
        return Packed("xlsx" if _is_workbook(path, name) else "csv", "zip", digest)
    if signature.startswith(b"\xd0\xcf\x11\xe0"):
        raise Unreadable(name, "this is an old Excel or a protected workbook; save it as .xlsx or CSV")
    if signature.startswith((b"%PDF", b"\x89PNG", b"\x28\xb5\x2f\xfd", b"Rar!", b"7z\xbc\xaf", b"BZh", b"\xfd7zXZ")):
        raise Unreadable(name, "this is no table; send CSV, TSV or XLSX, plain, .gz or .zip")
    return Packed("csv", "plain", digest)


def _is_workbook(path: Path, name: str) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return "xl/workbook.xml" in archive.namelist() or "[Content_Types].xml" in archive.namelist()
    except _PACKED_ODD:
        raise Unreadable(name, "the zip is damaged") from None


@contextlib.contextmanager
def opened(path: Path, packing: str, name: str) -> Generator[IO[bytes]]:
    """The unpacked bytes of a CSV."""
    try:
        if packing == "gz":
            with gzip.open(path) as file:
                yield cast(IO[bytes], file)
        elif packing == "zip":
            with zipfile.ZipFile(path) as archive:
                members = [one for one in archive.infolist() if not one.is_dir() and "__MACOSX" not in one.filename]
                if len(members) != 1:
                    raise Unreadable(name, f"the zip holds {len(members)} files; send one table a zip")
                with archive.open(members[0]) as file:
                    yield file
        else:
            with path.open("rb") as file:
                yield file
    except _PACKED_ODD as odd:
        raise Unreadable(name, f"cannot be unpacked: {odd}") from None


def blocks(file: IO[bytes], name: str, limits: Limits) -> Iterator[bytes]:
    """The bytes in blocks, refused past the limit: a small file may unpack to anything."""
    total = 0
    while block := file.read(BLOCK):
        total += len(block)
        if total > limits.size_bytes:
            raise Unreadable(
                name, f"unpacks to more than {limits.size_bytes:,} bytes; split it", limit=limits.size_bytes
            )
        yield block


def find_encoding(path: Path, packing: str, name: str, limits: Limits, given: str | None) -> tuple[str, int]:
    """The encoding in which every byte of the file is text, and the unpacked size.

    Without a byte-order mark it is UTF-8, else, where no UTF-8 sequence occurs at all, Windows-1252.

    Raises:
        Unreadable: some bytes are not text; names the first line with such.
    """
    if given and given.lower() not in ENCODINGS:
        raise Unreadable(name, f"the encoding {given!r} is not known", known=list(ENCODINGS))
    with opened(path, packing, name) as file:
        encoding = given.lower() if given else _guess(file.read(4096))
    with opened(path, packing, name) as file:
        size, line = _decodes(file, name, limits, encoding)
    if line is None:
        return encoding, size
    if given or encoding != "utf-8":
        raise Unreadable(name, f"line {line}: these bytes are not {encoding}", line=line, encoding=encoding)
    with opened(path, packing, name) as file:
        good, broken = _count_sequences(file, name, limits)
    if good and good >= broken:
        raise Unreadable(
            name, f"line {line}: broken bytes in UTF-8 text; save the file again", line=line, encoding="utf-8"
        )
    with opened(path, packing, name) as file:
        size, line = _decodes(file, name, limits, "cp1252")
    if line is not None:
        reason = f"line {line}: these bytes are neither UTF-8 nor Windows-1252; save the file as UTF-8"
        raise Unreadable(name, reason, line=line)
    return "cp1252", size


def _guess(start: bytes) -> str:
    for mark, encoding in _BOMS:
        if start.startswith(mark):
            return encoding
    # Text in UTF-16 without a mark: every other byte of Latin text is zero.
    if len(start) >= 4 and start[1::2].count(0) > len(start) * 0.3 and not start[::2].count(0):
        return "utf-16-le"
    if len(start) >= 4 and start[::2].count(0) > len(start) * 0.3 and not start[1::2].count(0):
        return "utf-16-be"
    return "utf-8"


def _decodes(file: IO[bytes], name: str, limits: Limits, encoding: str) -> tuple[int, int | None]:
    """The size, and the line of the first bytes that do not decode."""
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    size, line = 0, 1
    for block in blocks(file, name, limits):
        try:
            text = decoder.decode(block)
        except UnicodeDecodeError as odd:
            spoken = encoding if odd.encoding == "charmap" else odd.encoding
            good = odd.object[: odd.start].decode(spoken, "ignore")
            return size, line + len(re.findall(r"\r\n|\r|\n", good))
        size += len(block)
        line += text.count("\n") or text.count("\r")
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return size, line
    return size, None


def _count_sequences(file: IO[bytes], name: str, limits: Limits) -> tuple[int, int]:
    """How many characters beyond ASCII are right in UTF-8, and how many bytes are not."""
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    good = broken = 0
    for block in blocks(file, name, limits):
        beyond = re.sub(r"[\x00-\x7f]+", "", decoder.decode(block))
        bad = sum("\udc80" <= sign <= "\udcff" for sign in beyond)
        good, broken = good + len(beyond) - bad, broken + bad
    return good, broken


@contextlib.contextmanager
def opened_text(path: Path, packing: str, name: str, encoding: str) -> Generator[io.TextIOWrapper]:
    """The unpacked text of a CSV, line ends kept as they are."""
    with opened(path, packing, name) as file:
        text = io.TextIOWrapper(file, encoding=encoding, errors="strict", newline="")
        try:
            yield text
        finally:
            text.detach()  # the file is closed by who opened it
