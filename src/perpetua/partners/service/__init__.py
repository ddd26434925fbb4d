"""Use cases of partners: one public function, one transaction. `by_codes`, `by_ids`, `read` join another's."""

from perpetua.partners.rules import check_currency, due_on, working_day
from perpetua.partners.service.bulk import take_back, upsert
from perpetua.partners.service.keeping import (
    change_supplier,
    create_supplier,
    get_supplier,
    list_suppliers,
    make_missing,
)
from perpetua.partners.store import by_codes, by_ids, read

__all__ = [
    "by_codes", "by_ids", "change_supplier", "check_currency", "create_supplier", "due_on", "get_supplier",
    "list_suppliers", "make_missing", "read", "take_back", "upsert", "working_day",
]  # fmt: skip
