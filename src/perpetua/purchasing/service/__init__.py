"""Use cases of purchasing: one public function, one transaction. Those that take `tx` first join another word's."""

from perpetua.purchasing.service.drafting import create
from perpetua.purchasing.service.placing import approve, submit
from perpetua.purchasing.service.reading import get
from perpetua.purchasing.service.receiving import coming, lock_orders, take_in

__all__ = ["approve", "coming", "create", "get", "lock_orders", "submit", "take_in"]
