"""Costing: what bringing goods here cost, laid on the goods.

Always true:
- The lines of a charge add up to it, to the last decimal, whatever it is spread by.
- A line lies on a RECEIPT row of the ledger that was not undone when the charge was spread, whether its goods are
still here
  or sold.
- Charges and their lines are never changed: one is taken back once, by another with the same lines below nothing.
- What has no weight, size or value is named, and the charge refused: nothing counts as nothing in silence.
"""
