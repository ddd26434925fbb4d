"""Access: people, roles, sessions, tokens, and the audit trail of what people changed.

Always true:
- Every command is done by an `Actor`; the system itself is person 0.
- A right is a permission by name; a role is a set of them; a token can only narrow its owner's.
- A scope is a set of places; whoever has one acts and sees within those subtrees alone.
- No password, token or second-factor secret is stored in a form that can be read back by whoever reads the table.
"""
