"""How rows of files become facts of purchasing."""

from perpetua.purchasing.imports.invoices import SUPPLIER_INVOICES
from perpetua.purchasing.imports.lead_times import LEAD_TIMES
from perpetua.purchasing.imports.orders import PURCHASE_ORDERS
from perpetua.purchasing.imports.supplier_items import SUPPLIER_ITEMS

__all__ = ["LEAD_TIMES", "PURCHASE_ORDERS", "SUPPLIER_INVOICES", "SUPPLIER_ITEMS"]
