"""Sheets of labels that are sold everywhere, and the papers they are on."""

from typing import Final

from perpetua.labels.types import Roll, Sheet, Size

__all__ = ["PAGES", "SHEETS", "dot_mm", "label_size"]

MM_PER_INCH: Final = 25.4
OFFICE_DPI: Final = 600
"""Of office printers; bars are whole dots of them."""

PAGES: Final[dict[str, tuple[float, float]]] = {"a4": (210.0, 297.0), "letter": (215.9, 279.4)}
"""Width and height in millimetres."""

SHEETS: Final[dict[str, Sheet]] = {
    "a4-3x8": Sheet(
        page="a4", columns=3, rows=8, width=70, height=37, left=0, top=0.5, pitch_x=70, pitch_y=37,
    ),
    "a4-3x7": Sheet(
        page="a4", columns=3, rows=7, width=63.5, height=38.1, left=7.2, top=15.1, pitch_x=66.0, pitch_y=38.1,
    ),
    "a4-2x7": Sheet(
        page="a4", columns=2, rows=7, width=99.1, height=38.1, left=4.6, top=15.1, pitch_x=101.6, pitch_y=38.1,
    ),
    "a4-2x4": Sheet(
        page="a4", columns=2, rows=4, width=99.1, height=67.7, left=4.6, top=13.1, pitch_x=101.6, pitch_y=67.7,
    ),
    "letter-3x10": Sheet(
        page="letter", columns=3, rows=10, width=66.67, height=25.4, left=4.76, top=12.7, pitch_x=69.85, pitch_y=25.4,
    ),
    "letter-2x5": Sheet(
        page="letter", columns=2, rows=5, width=101.6, height=50.8, left=3.97, top=12.7, pitch_x=106.36, pitch_y=50.8,
    ),
    "letter-2x3": Sheet(
        page="letter", columns=2, rows=3, width=101.6, height=84.67, left=3.97, top=12.7, pitch_x=106.36,
        pitch_y=84.67,
    ),
}  # fmt: skip
"""By paper and how many across and down."""


def label_size(size: Size) -> tuple[float, float]:
    """Width and height of one label, in millimetres."""
    return size.width, size.height


def dot_mm(size: Size) -> float:
    """What a bar's width is a whole number of, in millimetres."""
    return MM_PER_INCH / (size.dpi if isinstance(size, Roll) else OFFICE_DPI)
