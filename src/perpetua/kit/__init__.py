"""What every word stands on and no trade knows: database, quantities, clock, refusals, pages, idempotency."""
