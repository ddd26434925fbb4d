"""Imports, their bad rows, their files while they wait, and what undo needs."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from perpetua.kit.database import metadata

__all__ = ["import_changes", "import_errors", "import_files", "imports"]

imports = sa.Table(
    "imports",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("actor_id", sa.BigInteger, nullable=False),
    sa.Column("sender", JSONB, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False),
    sa.Column("once", sa.Boolean, nullable=False),
    sa.Column("files", JSONB, nullable=False),
    sa.Column("options", JSONB, nullable=False),
    sa.Column("columns", JSONB, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("dry_run", sa.Boolean, nullable=False),
    sa.Column("rows_total", sa.BigInteger, nullable=False),
    sa.Column("rows_done", sa.BigInteger, nullable=False),
    sa.Column("rows_good", sa.BigInteger, nullable=False),
    sa.Column("rows_bad", sa.BigInteger, nullable=False),
    sa.Column("runs", sa.Integer, nullable=False),
    sa.Column("prepared", JSONB),
    sa.Column("summary", JSONB, nullable=False),
    sa.Column("failure", sa.Text),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("started_at", sa.DateTime(timezone=True)),
    sa.Column("finished_at", sa.DateTime(timezone=True)),
    sa.Column("undone_at", sa.DateTime(timezone=True)),
    sa.Column("undone_by", sa.BigInteger),
    sa.Column("undo_sender", JSONB),
    sa.Column("undo_done", sa.BigInteger, nullable=False),
    sa.Column("undo_total", sa.BigInteger, nullable=False),
    sa.Column("undo_failure", sa.Text),
)

import_errors = sa.Table(
    "import_errors",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("import_id", sa.BigInteger, sa.ForeignKey("imports.id"), nullable=False),
    sa.Column("file", sa.Integer, nullable=False),
    sa.Column("line", sa.BigInteger, nullable=False),
    sa.Column("field", sa.Text),
    sa.Column("value", sa.Text),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
)

import_changes = sa.Table(
    "import_changes",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("import_id", sa.BigInteger, sa.ForeignKey("imports.id"), nullable=False),
    sa.Column("what", sa.Text, nullable=False),
    sa.Column("ids", ARRAY(sa.BigInteger), nullable=False),
    sa.Column("before", JSONB),
)

import_files = sa.Table(
    "import_files",
    metadata,
    sa.Column("import_id", sa.BigInteger, sa.ForeignKey("imports.id"), primary_key=True),
    sa.Column("file", sa.Integer, primary_key=True),
    sa.Column("part", sa.Integer, primary_key=True),
    sa.Column("data", sa.LargeBinary, nullable=False),
)
