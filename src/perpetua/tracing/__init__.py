"""Tracing: where a lot or a serial came from, where it went, and calling it back.

Always true:
- A trace is read from the ledger in one statement, whatever its length; it follows transfers, and goods made of others.
- What a recall names is blocked in the transaction that opens it: what may be promised falls with it, or nothing does.
- To whom it was promised until then is kept with the recall, and never changed.
- A lot that another open recall names stays recalled when one releases it.
- Customers are named to those with `customers.read` alone.
"""
