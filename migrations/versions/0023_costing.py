"""Freight, duty and the like, spread over what came."""

from pathlib import Path

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

HERE = Path(__file__).parent / "0023_costing"


def upgrade() -> None:
    for name in ("landed",):
        op.execute((HERE / f"{name}.sql").read_text(encoding="utf-8"))
