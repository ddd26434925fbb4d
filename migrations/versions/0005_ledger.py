"""The ledger: postings, inventory_transactions, and the projections that triggers keep: levels, positions, serials."""

from pathlib import Path

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

HERE = Path(__file__).parent / "0005_ledger"


def upgrade() -> None:
    for name in ("tables", "projections", "guards", "grants"):
        op.execute((HERE / f"{name}.sql").read_text(encoding="utf-8"))
