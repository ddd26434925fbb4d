"""Partners: the suppliers that goods are bought from.

Always true:
- A code names one supplier, whatever its case.
- A supplier trades in one currency of ISO 4217, and works on at least one day of the week.
- A change says which version it was made against; each is in the audit trail.
- A supplier that anything names is never removed: one that is not active gets no new orders, and those it has stay.
- An e-mail address has one `@`, and neither blanks nor line ends.
"""
