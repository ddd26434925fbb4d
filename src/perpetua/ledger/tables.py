"""The ledger's tables, as the migrations make them."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, ENUM, JSONB

from perpetua.kit.columns import INSTANT, MONEY, QUANTITY, need
from perpetua.kit.database import metadata

LEVEL_KEY = ("variant_id", "location_id", "lot_id")
TYPE = ENUM(
    "RECEIPT", "SALE", "RETURN", "ADJUSTMENT", "TRANSFER_OUT", "TRANSFER_IN", "WRITE_OFF", "CONSUME", "PRODUCE",
    name="transaction_type", create_type=False,
)  # fmt: skip


class Xid8(sa.types.UserDefinedType[str]):
    """A transaction id that never wraps."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """Its name in SQL."""
        return "xid8"


lots = sa.Table(
    "lots", metadata,
    sa.Column("id", sa.BigInteger, primary_key=True),
    sa.Column("variant_id", sa.BigInteger),
    need("number", sa.Text),
    sa.Column("supplier", sa.Text),
    sa.Column("manufactured_on", sa.Date),
    sa.Column("expires_on", sa.Date),
    sa.Column("certificate", sa.Text),
    need("created_at", INSTANT),
    need("status", sa.Text),
    sa.Column("supplier_lot", sa.Text),
    sa.Column("best_before_on", sa.Date),
    sa.Column("certificate_type", sa.Text),
    need("version", sa.Integer),
    need("updated_at", INSTANT),
    sa.Column("blocked", sa.Boolean, sa.Computed("status <> 'released'"), nullable=False),
)  # fmt: skip

lot_events = sa.Table(
    "lot_events", metadata,
    sa.Column("id", sa.BigInteger, primary_key=True),
    need("lot_id", sa.BigInteger),
    need("at", INSTANT),
    need("actor_id", sa.BigInteger),
    need("action", sa.Text),
    need("before", JSONB),
    need("after", JSONB),
    sa.Column("reason", sa.Text),
    sa.Column("reference", sa.Text),
)  # fmt: skip

lot_expiry_alerts = sa.Table(
    "lot_expiry_alerts", metadata,
    sa.Column("lot_id", sa.BigInteger, primary_key=True),
    sa.Column("expires_on", sa.Date, primary_key=True),
    need("alerted_at", INSTANT),
)  # fmt: skip

serialised_stock = sa.Table(
    "serialised_stock", metadata,
    sa.Column("id", sa.BigInteger, primary_key=True),
    need("variant_id", sa.BigInteger),
    need("serial", sa.Text),
    need("status", sa.Text),
    sa.Column("location_id", sa.BigInteger),
    need("lot_id", sa.BigInteger),
    need("updated_at", INSTANT),
)  # fmt: skip

reason_codes = sa.Table(
    "reason_codes", metadata,
    sa.Column("code", sa.Text, primary_key=True),
    need("name", sa.Text),
    need("used_for", ARRAY(TYPE)),
    sa.Column("approval_above_quantity", QUANTITY),
    sa.Column("approval_above_value", MONEY),
    need("active", sa.Boolean),
    need("version", sa.Integer),
)  # fmt: skip

postings = sa.Table(
    "postings", metadata,
    sa.Column("id", sa.BigInteger, primary_key=True),
    need("recorded_at", INSTANT),
    need("effective_at", INSTANT),
    need("actor_id", sa.BigInteger),
    sa.Column("approved_by", sa.BigInteger),
    need("command", sa.Text),
    sa.Column("idempotency_key", sa.Text),
    sa.Column("reason_code", sa.Text),
    sa.Column("reference_type", sa.Text),
    sa.Column("reference_id", sa.Text),
    sa.Column("note", sa.Text),
)  # fmt: skip

inventory_transactions = sa.Table(
    "inventory_transactions", metadata,
    sa.Column("id", sa.BigInteger, primary_key=True),
    need("posting_id", sa.BigInteger),
    sa.Column("recorded_at", INSTANT, primary_key=True),
    need("effective_at", INSTANT),
    need("variant_id", sa.BigInteger),
    need("location_id", sa.BigInteger),
    need("lot_id", sa.BigInteger),
    sa.Column("serial_id", sa.BigInteger),
    sa.Column("corrects_id", sa.BigInteger),
    need("line_no", sa.Integer),
    need("type", TYPE),
    need("quantity", QUANTITY),
    sa.Column("unit_cost", MONEY),
    sa.Column("reason_code", sa.Text),
    sa.Column("reference_type", sa.Text),
    sa.Column("reference_id", sa.Text),
)  # fmt: skip

corrections = sa.Table(
    "corrections", metadata,
    sa.Column("corrected_id", sa.BigInteger, primary_key=True),
    need("posting_id", sa.BigInteger),
)  # fmt: skip

inventory_levels = sa.Table(
    "inventory_levels", metadata,
    sa.Column("variant_id", sa.BigInteger, primary_key=True),
    sa.Column("location_id", sa.BigInteger, primary_key=True),
    sa.Column("lot_id", sa.BigInteger, primary_key=True),
    need("on_hand", QUANTITY),
    need("negative_allowed", sa.Boolean),
    need("version", sa.BigInteger),
    need("updated_at", INSTANT),
)  # fmt: skip

inventory_positions = sa.Table(
    "inventory_positions", metadata,
    sa.Column("variant_id", sa.BigInteger, primary_key=True),
    sa.Column("site_id", sa.BigInteger, primary_key=True),
    *(need(name, QUANTITY) for name in ("on_hand", "unsellable", "allocated", "reserved", "on_order", "in_transit")),
    need("version", sa.BigInteger),
)  # fmt: skip

transfers = sa.Table(
    "transfers", metadata,
    sa.Column("id", sa.BigInteger, primary_key=True),
    need("from_location_id", sa.BigInteger),
    need("to_location_id", sa.BigInteger),
    need("transit_id", sa.BigInteger),
    need("status", sa.Text),
    sa.Column("expected_at", INSTANT),
    sa.Column("note", sa.Text),
    need("created_by", sa.BigInteger),
    need("created_at", INSTANT),
    need("version", sa.Integer),
)  # fmt: skip

transfer_lines = sa.Table(
    "transfer_lines", metadata,
    sa.Column("transfer_id", sa.BigInteger, primary_key=True),
    sa.Column("line_no", sa.Integer, primary_key=True),
    need("variant_id", sa.BigInteger),
    need("lot_id", sa.BigInteger),
    sa.Column("serial_id", sa.BigInteger),
    *(need(name, QUANTITY) for name in ("sent", "received", "returned", "lost")),
    sa.Column("unit_cost", MONEY),
)  # fmt: skip

adjustment_requests = sa.Table(
    "adjustment_requests", metadata,
    sa.Column("id", sa.BigInteger, primary_key=True),
    need("status", sa.Text),
    need("command", sa.Text),
    need("body", JSONB),
    need("path_sites", ARRAY(sa.BigInteger)),
    need("why", sa.Text),
    need("requested_by", sa.BigInteger),
    need("requested_at", INSTANT),
    sa.Column("decided_by", sa.BigInteger),
    sa.Column("decided_at", INSTANT),
    sa.Column("decision_note", sa.Text),
    sa.Column("posting_id", sa.BigInteger),
    need("version", sa.Integer),
)  # fmt: skip

ledger_horizon = sa.Table(
    "ledger_horizon", metadata,
    sa.Column("one", sa.Boolean, primary_key=True),
    need("through_id", sa.BigInteger),
    need("pending_id", sa.BigInteger),
    sa.Column("pending_xid", Xid8),
    sa.Column("advanced_at", INSTANT),
)  # fmt: skip

stock_checkpoints = sa.Table(
    "stock_checkpoints", metadata,
    sa.Column("id", sa.BigInteger, primary_key=True),
    need("as_of", INSTANT),
    need("through_id", sa.BigInteger),
    need("made_at", INSTANT),
    need("levels", sa.BigInteger),
    need("ready", sa.Boolean),
)  # fmt: skip

stock_checkpoint_levels = sa.Table(
    "stock_checkpoint_levels", metadata,
    *(sa.Column(key, sa.BigInteger, primary_key=True) for key in ("checkpoint_id", *LEVEL_KEY)),
    need("on_hand", QUANTITY),
)  # fmt: skip

ledger_opening = sa.Table(
    "ledger_opening", metadata,
    *(sa.Column(key, sa.BigInteger, primary_key=True) for key in LEVEL_KEY),
    need("on_hand", QUANTITY),
)  # fmt: skip

ledger_seals = sa.Table(
    "ledger_seals", metadata,
    sa.Column("id", sa.BigInteger, primary_key=True),
    *(need(name, sa.BigInteger) for name in ("after_id", "through_id", "row_count")),
    *(need(name, sa.LargeBinary) for name in ("marks", "previous", "hash")),
    need("sealed_at", INSTANT),
)  # fmt: skip

ledger_archived_digests = sa.Table(
    "ledger_archived_digests", metadata,
    sa.Column("seal_id", sa.BigInteger, primary_key=True),
    need("digests", sa.LargeBinary),
)  # fmt: skip

ledger_archives = sa.Table(
    "ledger_archives", metadata,
    sa.Column("month", sa.Date, primary_key=True),
    need("file", sa.Text),
    need("sha256", sa.Text),
    need("rows", sa.BigInteger),
    sa.Column("first_id", sa.BigInteger),
    sa.Column("last_id", sa.BigInteger),
    sa.Column("first_at", INSTANT),
    sa.Column("last_at", INSTANT),
    need("archived_at", INSTANT),
)  # fmt: skip

integrity_checks = sa.Table(
    "integrity_checks", metadata,
    sa.Column("id", sa.BigInteger, primary_key=True),
    need("started_at", INSTANT),
    need("finished_at", INSTANT),
    need("passed", sa.Boolean),
    need("rows", sa.BigInteger),
    sa.Column("head", sa.Text),
    need("findings", JSONB),
    need("run_by", sa.BigInteger),
)  # fmt: skip
