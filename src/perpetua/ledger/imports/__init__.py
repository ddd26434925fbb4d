"""Files of movements and of opening stock, as the import engine takes them.

Always true:
- A row of the file becomes rows of the ledger under the file's own reference, its line number kept as `line_no`.
- What is no product by the rule is left out and reported, row by row.
- A row that would bring a level below zero is refused alone, with what was asked and what was there.
- An import is undone by new rows that take its rows back; nothing is deleted.
"""

from perpetua.ledger.imports.movements import MOVEMENTS, MovementsKind
from perpetua.ledger.imports.opening import OPENING_STOCK, OpeningStockKind

__all__ = ["MOVEMENTS", "OPENING_STOCK", "MovementsKind", "OpeningStockKind"]
