"""Lots with a status, papers and dates; what became of each; who was told that they expire."""

from pathlib import Path

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

HERE = Path(__file__).parent / "0015_lots"


def upgrade() -> None:
    op.execute((HERE / "lots.sql").read_text(encoding="utf-8"))
