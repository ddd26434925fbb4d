"""The tables of purchasing."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from perpetua.kit.columns import INSTANT, MONEY, QUANTITY, need
from perpetua.kit.database import metadata

__all__ = [
    "lead_times", "match_settings", "po_approvals", "po_lines", "po_sends", "po_versions", "purchase_orders",
    "purchasing_settings", "supplier_invoice_decisions", "supplier_invoice_lines", "supplier_invoices",
    "supplier_items", "supplier_prices",
]  # fmt: skip

_PERCENT = sa.Numeric(5, 2)
_AMOUNT = sa.Numeric(18, 2)


def _id() -> sa.Column[int]:
    return sa.Column("id", sa.BigInteger, primary_key=True)


supplier_items = sa.Table(
    "supplier_items", metadata,
    _id(),
    need("supplier_id", sa.BigInteger),
    need("variant_id", sa.BigInteger),
    sa.Column("supplier_sku", sa.Text),
    sa.Column("lead_time_days", sa.Integer),
    need("min_order_qty", QUANTITY),
    need("pack_multiple", QUANTITY),
    need("preferred", sa.Boolean),
    need("active", sa.Boolean),
    need("version", sa.Integer),
    need("created_at", INSTANT),
    need("updated_at", INSTANT),
)  # fmt: skip

supplier_prices = sa.Table(
    "supplier_prices", metadata,
    sa.Column("supplier_item_id", sa.BigInteger, primary_key=True),
    sa.Column("min_qty", QUANTITY, primary_key=True),
    need("unit_price", MONEY),
)  # fmt: skip

purchasing_settings = sa.Table(
    "purchasing_settings", metadata,
    sa.Column("version", sa.Integer, primary_key=True),
    need("currency", sa.Text),
    sa.Column("second_approval_above", MONEY),
    need("over_percent", _PERCENT),
    need("rates", JSONB),
    sa.Column("note", sa.Text),
    need("created_by", sa.BigInteger),
    need("created_at", INSTANT),
)  # fmt: skip

purchase_orders = sa.Table(
    "purchase_orders", metadata,
    _id(),
    need("supplier_id", sa.BigInteger),
    need("site_id", sa.BigInteger),
    need("status", sa.Text),
    sa.Column("external_id", sa.Text),
    need("currency", sa.Text),
    need("exchange_rate", sa.Numeric(18, 8)),
    need("over_percent", _PERCENT),
    sa.Column("wanted_on", sa.Date),
    sa.Column("supplier_reference", sa.Text),
    sa.Column("note", sa.Text),
    sa.Column("proposal", JSONB),
    sa.Column("proposed_by", sa.BigInteger),
    sa.Column("proposed_at", INSTANT),
    need("created_by", sa.BigInteger),
    need("created_at", INSTANT),
    sa.Column("submitted_at", INSTANT),
    need("version", sa.Integer),
    need("updated_at", INSTANT),
)  # fmt: skip

po_lines = sa.Table(
    "po_lines", metadata,
    _id(),
    need("po_id", sa.BigInteger),
    need("line_no", sa.Integer),
    need("variant_id", sa.BigInteger),
    need("site_id", sa.BigInteger),
    sa.Column("supplier_sku", sa.Text),
    need("placed", sa.Boolean),
    *(need(name, QUANTITY) for name in ("ordered", "received", "cancelled")),
    sa.Column("on_order", QUANTITY),
    need("unit_price", MONEY),
    sa.Column("stated_lead_time_days", sa.Integer),
    *(sa.Column(name, sa.Date) for name in ("wanted_on", "expected_on", "promised_on", "first_promised_on")),
    sa.Column("promised_quantity", QUANTITY),
    sa.Column("last_received_on", sa.Date),
)  # fmt: skip

po_approvals = sa.Table(
    "po_approvals", metadata,
    _id(),
    need("po_id", sa.BigInteger),
    need("person_id", sa.BigInteger),
    need("total", sa.Numeric(28, 10)),
    sa.Column("note", sa.Text),
    need("at", INSTANT),
    sa.Column("ended_at", INSTANT),
)  # fmt: skip

po_versions = sa.Table(
    "po_versions", metadata,
    _id(),
    need("po_id", sa.BigInteger),
    need("version", sa.Integer),
    need("action", sa.Text),
    sa.Column("reason", sa.Text),
    need("person_id", sa.BigInteger),
    need("at", INSTANT),
    need("document", JSONB),
)  # fmt: skip

po_sends = sa.Table(
    "po_sends", metadata,
    _id(),
    need("po_id", sa.BigInteger),
    sa.Column("to_address", sa.Text),
    need("state", sa.Text),
    sa.Column("reason", sa.Text),
    need("requested_by", sa.BigInteger),
    need("requested_at", INSTANT),
    sa.Column("ended_at", INSTANT),
)  # fmt: skip

match_settings = sa.Table(
    "match_settings", metadata,
    sa.Column("version", sa.Integer, primary_key=True),
    need("price_percent", _PERCENT),
    sa.Column("price_value", MONEY),
    need("quantity_percent", _PERCENT),
    sa.Column("quantity_value", MONEY),
    sa.Column("charge_value", MONEY),
    sa.Column("note", sa.Text),
    need("created_by", sa.BigInteger),
    need("created_at", INSTANT),
)  # fmt: skip

supplier_invoices = sa.Table(
    "supplier_invoices", metadata,
    _id(),
    need("supplier_id", sa.BigInteger),
    need("number", sa.Text),
    need("status", sa.Text),
    need("flagged", sa.Integer),
    need("waiting", sa.Integer),
    need("settings_version", sa.Integer),
    need("currency", sa.Text),
    need("exchange_rate", sa.Numeric(18, 8)),
    need("invoiced_on", sa.Date),
    need("due_on", sa.Date),
    need("discount_percent", _PERCENT),
    sa.Column("discount_until", sa.Date),
    need("total", _AMOUNT),
    sa.Column("payable", _AMOUNT),
    sa.Column("note", sa.Text),
    need("created_by", sa.BigInteger),
    need("created_at", INSTANT),
    sa.Column("released_by", sa.BigInteger),
    sa.Column("released_at", INSTANT),
    sa.Column("voided_by", sa.BigInteger),
    sa.Column("voided_at", INSTANT),
    sa.Column("void_reason", sa.Text),
    need("version", sa.Integer),
    need("updated_at", INSTANT),
)  # fmt: skip

supplier_invoice_lines = sa.Table(
    "supplier_invoice_lines", metadata,
    _id(),
    need("invoice_id", sa.BigInteger),
    need("line_no", sa.Integer),
    need("kind", sa.Text),
    sa.Column("po_line_id", sa.BigInteger),
    sa.Column("variant_id", sa.BigInteger),
    sa.Column("supplier_sku", sa.Text),
    sa.Column("description", sa.Text),
    need("quantity", QUANTITY),
    need("unit_price", MONEY),
    need("tax", MONEY),
    need("counted", QUANTITY),
    need("state", sa.Text),
    need("problems", ARRAY(sa.Text)),
    sa.Column("ordered", QUANTITY),
    sa.Column("received", QUANTITY),
    need("invoiced_before", QUANTITY),
    sa.Column("expected_price", MONEY),
    sa.Column("decision_id", sa.BigInteger),
)  # fmt: skip

supplier_invoice_decisions = sa.Table(
    "supplier_invoice_decisions", metadata,
    _id(),
    need("line_id", sa.BigInteger),
    need("decision", sa.Text),
    need("reason", sa.Text),
    need("problems", ARRAY(sa.Text)),
    sa.Column("ordered", QUANTITY),
    sa.Column("received", QUANTITY),
    need("invoiced_before", QUANTITY),
    sa.Column("expected_price", MONEY),
    need("agreed", MONEY),
    need("person_id", sa.BigInteger),
    need("at", INSTANT),
)  # fmt: skip

lead_times = sa.Table(
    "lead_times", metadata,
    _id(),
    need("supplier_id", sa.BigInteger),
    need("variant_id", sa.BigInteger),
    sa.Column("po_line_id", sa.BigInteger),
    sa.Column("import_id", sa.BigInteger),
    sa.Column("reference", sa.Text),
    sa.Column("quantity", QUANTITY),
    need("ordered_on", sa.Date),
    sa.Column("stated_days", sa.Integer),
    sa.Column("promised_on", sa.Date),
    sa.Column("due_on", sa.Date),
    need("received_on", sa.Date),
    sa.Column("actual_days", sa.Integer),
    sa.Column("cancels_id", sa.BigInteger),
    need("recorded_at", INSTANT),
)  # fmt: skip
