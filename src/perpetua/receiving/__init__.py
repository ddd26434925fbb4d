"""Receiving: goods come to the dock, ordered or not, and what is not as it should be is written down.

Always true:
- What is received is on hand in the same transaction: its RECEIPT rows name the receipt, and whoever waits has it.
- Of a purchase order's line, received is what its receipts' lines come to, less what was undone.
- Nothing comes in unnoticed: more than is taken without a question, an item that was not ordered, goods past their day
  are refused with their numbers, and taken only when somebody says so, with a discrepancy.
- A line of a receipt is never changed or removed; a mistake is undone once, by rows of the ledger that take it back.
- Two clerks at one delivery, or at two deliveries of one order, never take in more than is let through together.
- A command of thousands of lines is a constant number of statements.
- Locks are taken in one order: receipt, purchase orders, positions.
"""
