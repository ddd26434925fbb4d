"""Use cases of access: one public function, one transaction.

`audit`, `audit_many` and `audit_override` join another word's transaction instead.
"""

from perpetua.access import store
from perpetua.access.service.actors import Callers, actor_of, issue_jwt, me
from perpetua.access.service.audit import Change, audit, audit_many, audit_override, list_audit
from perpetua.access.service.factors import (
    confirm_second_factor,
    disable_second_factor,
    enroll_second_factor,
    renew_encryption,
    reset_second_factor,
)
from perpetua.access.service.passwords import change_password, reset_password, set_password
from perpetua.access.service.people import (
    change_person,
    create_person,
    find_person,
    get_person,
    list_people,
    set_scope,
)
from perpetua.access.service.signin import end_session, list_sessions, sign_in, sign_out, sign_out_everywhere
from perpetua.access.service.tokens import create_token, list_tokens, revoke_token
from perpetua.kit.database import Database

__all__ = [
    "Callers", "Change", "actor_of", "audit", "audit_many", "audit_override", "change_password", "change_person",
    "confirm_second_factor", "create_person", "create_token", "disable_second_factor", "end_session",
    "enroll_second_factor", "find_person", "get_person", "issue_jwt", "list_audit", "list_people", "list_sessions",
    "list_tokens", "me", "renew_encryption", "reset_password", "reset_second_factor", "revoke_token", "set_password",
    "set_scope", "sign_in", "sign_out", "sign_out_everywhere", "tidy",
]  # fmt: skip


async def tidy(db: Database) -> None:
    """Remove sessions that are over and attempts that no longer count; to be run now and then."""
    await db.run(store.forget_expired)
