"""How rows of files become facts of purchasing."""

from perpetua.purchasing.imports.lead_times import LEAD_TIMES

__all__ = ["LEAD_TIMES"]
