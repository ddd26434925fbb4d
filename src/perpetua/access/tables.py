"""Tables of access; they equal what migration 0002 makes."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from perpetua.kit.database import metadata

__all__ = [
    "api_tokens",
    "audit_log",
    "people",
    "person_scopes",
    "recovery_codes",
    "second_factors",
    "sessions",
    "sign_in_attempts",
]


def _instant(name: str, *, nullable: bool = False, default: bool = False) -> "sa.Column[datetime]":
    made = sa.func.now() if default else None
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable, server_default=made)


def _person(*, primary_key: bool = False) -> "sa.Column[int]":
    return sa.Column("person_id", sa.BigInteger, sa.ForeignKey("people.id"), nullable=False, primary_key=primary_key)


people = sa.Table(
    "people",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("email", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("active", sa.Boolean, nullable=False, server_default=sa.true()),
    sa.Column("everywhere", sa.Boolean, nullable=False, server_default=sa.true()),
    sa.Column("password_hash", sa.Text),
    _instant("password_changed_at", nullable=True),
    _instant("password_once_until", nullable=True),
    sa.Column("version", sa.Integer, nullable=False, server_default="1"),
    _instant("created_at", default=True),
    _instant("updated_at", default=True),
)

person_scopes = sa.Table(
    "person_scopes",
    metadata,
    _person(primary_key=True),
    sa.Column("location_id", sa.BigInteger, primary_key=True),
)

sessions = sa.Table(
    "sessions",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    _person(),
    sa.Column("token_hash", sa.LargeBinary, nullable=False, unique=True),
    _instant("created_at", default=True),
    _instant("last_seen_at", default=True),
    _instant("expires_at"),
    sa.Column("address", sa.Text),
    sa.Column("user_agent", sa.Text),
)

api_tokens = sa.Table(
    "api_tokens",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    _person(),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("hint", sa.Text, nullable=False),
    sa.Column("token_hash", sa.LargeBinary, nullable=False, unique=True),
    sa.Column("permissions", ARRAY(sa.Text), nullable=False),
    sa.Column("scope", ARRAY(sa.BigInteger)),
    _instant("created_at", default=True),
    _instant("expires_at"),
    _instant("revoked_at", nullable=True),
    _instant("last_used_at", nullable=True),
)

second_factors = sa.Table(
    "second_factors",
    metadata,
    _person(primary_key=True),
    sa.Column("secret", sa.LargeBinary, nullable=False),
    _instant("created_at", default=True),
    _instant("confirmed_at", nullable=True),
    sa.Column("last_step", sa.BigInteger, nullable=False, server_default="0"),
)

recovery_codes = sa.Table(
    "recovery_codes",
    metadata,
    _person(primary_key=True),
    sa.Column("code_hash", sa.LargeBinary, primary_key=True),
    _instant("used_at", nullable=True),
)

sign_in_attempts = sa.Table(
    "sign_in_attempts",
    metadata,
    sa.Column("key", sa.LargeBinary, primary_key=True),
    sa.Column("failures", sa.Integer, nullable=False),
    _instant("until"),
)

audit_log = sa.Table(
    "audit_log",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    _instant("at", default=True),
    sa.Column("actor_id", sa.BigInteger, sa.ForeignKey("people.id"), nullable=False),
    sa.Column("via", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("subject_id", sa.Text, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("before", JSONB),
    sa.Column("after", JSONB),
    sa.Column("costs", ARRAY(sa.Text), nullable=False, server_default="{}"),
    sa.Column("path", ARRAY(sa.BigInteger)),
    sa.Column("request_id", sa.Text),
)
