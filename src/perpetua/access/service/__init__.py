"""Use cases of access: one public function, one transaction."""

from perpetua.access.service.audit import Change, audit, audit_many, audit_override

__all__ = ["Change", "audit", "audit_many", "audit_override"]
