"""Perpetua: a perpetual-inventory system that proves its numbers.

One folder a word of the trade; `kit` holds what has no trade words. The floors (who may import whom) are contracts in
`.importlinter`; the files a word may hold are listed in `docs/reference/tree.md`.
"""

__version__ = "0.1.0"
