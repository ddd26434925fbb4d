"""Recalls: what is called back and why, its lots, and to whom it was promised until then."""

from pathlib import Path

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

HERE = Path(__file__).parent / "0017_tracing"


def upgrade() -> None:
    op.execute((HERE / "recalls.sql").read_text(encoding="utf-8"))
