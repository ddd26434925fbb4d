"""Goods at the dock: what was expected, what came, and what was not as it should be."""

from pathlib import Path

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

HERE = Path(__file__).parent / "0019_receiving"


def upgrade() -> None:
    op.execute((HERE / "receiving.sql").read_text(encoding="utf-8"))
