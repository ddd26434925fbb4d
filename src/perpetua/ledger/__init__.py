"""The ledger: every movement of stock, appended once and never changed, and what follows from it.

Always true:
- A row of `inventory_transactions` is never updated or deleted; the database refuses, whoever asks.
- `inventory_levels` equals the sum of the ledger's rows by variant, location and lot, in every committed state;
  triggers keep it in the statement that appends.
- `inventory_positions` equals the levels summed by variant and site: in transit apart, unsellable counted within.
- A level is never negative, unless its location allows it.
- A serial is in one place only.
- A transfer is one pair of rows, `TRANSFER_OUT` and `TRANSFER_IN`, in one transaction, of equal size.
- A row is corrected by new rows that name it, and only once.
- `effective_at` says when it happened, `recorded_at` when it was written; the database alone gives the latter.
- Who posts holds the locks on the positions it touches, taken in one order, before it reads what it decides from.
- The same command under the same key is posted once.
"""
