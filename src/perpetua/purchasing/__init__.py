"""Purchasing: what suppliers sell us, and what was ordered of them.

Always true:
- Nothing is ordered without a person's approval: never the system's, never a program's with an API token; above the
  limit that is set, two different persons'.
- What makes an order dearer than what was approved must be approved again; once submitted, it counts only then.
- An order's status follows from its lines: so does what is on order, which the positions show at every moment.
- Of each line: on order is what was ordered, less what was received and what was cancelled, never below nothing.
- For an item one supplier at most is preferred.
- Nothing is ordered below a supplier's minimum, or in broken packs, unless somebody says so.
- A submitted order is never removed; each change of it keeps the document as it was before.
- A supplier's invoice number is one invoice, whatever its case. Each line is held against what was ordered and what
  came whenever either changes, in the same statement, whoever changes it.
- Nothing is released for payment that differs beyond the tolerances or has not come, unless a person decided so, with a
  reason, who did not enter it; such a decision ends when the facts become worse.
- A line of which something came and nothing more is to come has one lead time that counts; rows of them are never
  changed: one that was wrong is cancelled by a row that names it.
- Prices are shown only to those with `supplier_prices.read`: not in versions, the trail, exports or refusals.
- Locks are taken in one order: purchase orders by their ids, then positions (variant, site), then order rows;
  suppliers' invoices by their ids, last.

For receiving, in its own transaction (`tx` first): `service.lock_orders` locks orders and tells their open lines;
`service.take_in` writes what came of lines (negative where it is undone), in one statement, and statuses follow. Post
the goods in between, so that all positions are locked at once.
"""
