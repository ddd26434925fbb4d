"""Allocation: what may be promised, and who gets it.

Always true:
- For every variant and site, open allocations and open reservations together are at most what lies there in places that
  may be sold from; the database refuses anything else, whoever writes.
- Of no lot more is promised than lies of it where it may be sold from; of one that is blocked or has expired, nothing.
  When a lot gives less, promises move to other lots of the position, else they are given up, in the same transaction.
- An acknowledged order is there exactly once.
- Every line is allocated, backordered or refused, each unit in one of these, and a row of `allocation_audit_log` says
  why, with the numbers it was decided from.
- A decision and its lock are one transaction: nothing is decided from what was read before the lock.
- Of a kit, all components are allocated or none.
- A reservation that has expired holds nothing, whether or not a job has been by; what it held goes to those who wait
  before anybody new.
- An order that goes together or not at all has all or nothing allocated, unless people have it in their hands.
- Goods that come go to those who wait, in the order of the rules, in the transaction that brings them.
- Positions are locked in one order for all (variant, then site), which is the ledger's.
"""
