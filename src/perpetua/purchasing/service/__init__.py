"""Use cases of purchasing: one public function, one transaction. Those that take `tx` first join another word's."""

from perpetua.purchasing.service.cancelling import cancel, cancel_drafts, close_short
from perpetua.purchasing.service.changing import approve, change, withdraw
from perpetua.purchasing.service.checking import CHECKS
from perpetua.purchasing.service.configuring import company_currency, get_settings, set_settings
from perpetua.purchasing.service.confirming import confirm
from perpetua.purchasing.service.drafting import create, create_many
from perpetua.purchasing.service.invoice_reading import get_invoice, list_invoices
from perpetua.purchasing.service.invoicing import enter_invoice, enter_many
from perpetua.purchasing.service.listing import history, list_orders, versions
from perpetua.purchasing.service.offering import get_item, list_items
from perpetua.purchasing.service.papers import document
from perpetua.purchasing.service.placing import submit
from perpetua.purchasing.service.reading import get
from perpetua.purchasing.service.receiving import coming, lock_orders, take_in
from perpetua.purchasing.service.scoring import get_scorecard, list_scorecards
from perpetua.purchasing.service.sending import deliver, send
from perpetua.purchasing.service.settling import (
    decide_invoice,
    get_match_settings,
    release_invoice,
    set_match_settings,
    void_invoice,
    void_many,
)
from perpetua.purchasing.service.supplying import Kept, change_item, create_item, set_items, set_many, take_back
from perpetua.purchasing.service.timing import (
    cancel_lead_times,
    lead_time_confidence,
    list_lead_time_confidence,
    list_lead_times,
    write_lead_times,
)

__all__ = [
    "CHECKS", "Kept", "approve", "cancel", "cancel_drafts", "cancel_lead_times", "change", "change_item",
    "close_short", "coming", "company_currency", "confirm", "create", "create_item", "create_many",
    "decide_invoice", "deliver", "document", "enter_invoice", "enter_many", "get", "get_invoice", "get_item",
    "get_match_settings", "get_scorecard", "get_settings", "history", "lead_time_confidence", "list_invoices",
    "list_items", "list_lead_time_confidence", "list_lead_times", "list_orders", "list_scorecards", "lock_orders",
    "release_invoice", "send", "set_items", "set_many", "set_match_settings", "set_settings", "submit", "take_back",
    "take_in", "versions", "void_invoice", "void_many", "withdraw", "write_lead_times",
]  # fmt: skip
