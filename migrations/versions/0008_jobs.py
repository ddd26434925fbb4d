"""The job queue: procrastinate's own schema, and what the application may do with it."""

from alembic import op
from procrastinate.schema import SchemaManager

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

GRANTS = """
GRANT SELECT, INSERT, UPDATE, DELETE
  ON procrastinate_jobs, procrastinate_events, procrastinate_periodic_defers, procrastinate_workers TO perpetua_app;
GRANT USAGE ON SEQUENCE procrastinate_jobs_id_seq, procrastinate_events_id_seq, procrastinate_periodic_defers_id_seq,
  procrastinate_workers_id_seq TO perpetua_app;
"""


def upgrade() -> None:
    # A later release of procrastinate brings its own migration scripts; each becomes a revision of ours.
    # Straight to the driver: the schema's text has signs that SQLAlchemy would read as parameters.
    driver = op.get_bind().connection.driver_connection
    assert driver is not None
    driver.execute(SchemaManager.get_schema())
    driver.execute(GRANTS)
