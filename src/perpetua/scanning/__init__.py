"""Scanning: what a device read, kept as it came, then understood, then done.

Always true:
- A scan is in `scan_log`, byte by byte, before anything is made of it; it stays there when nothing can be made of it.
- A row of `scan_log` or `scan_results` is never changed or removed.
- A scan sent twice under one key moves stock once, also when the first answer was lost half-way.
- A refused scan leaves its refusal behind and may be sent again.
- Stock is moved through the ledger's own commands, with their rights and refusals.
"""
