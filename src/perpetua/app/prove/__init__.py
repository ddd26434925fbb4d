"""Trying to oversell a scratch database: contested orders, duplicates, cancels, crashes; then the truths by plain SQL.

Always true:
- The installation's own data is never touched: all happens in a database of its own, made beside it and dropped after.
- Orders come as strangers send them: over HTTP, to two server processes on one database, by many clients at once.
- The truths are read with plain SQL from the tables; nothing of the product's own code takes part in the verdict.
- Nothing is left behind, also when it is interrupted: no process, no database, no folder.
"""
