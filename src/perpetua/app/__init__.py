"""What runs it all: settings, web, worker, supervisor, command line.

Whatever is started here, allocation listens to the ledger: no way of posting stock breaks what was promised.
"""

from perpetua.allocation import service as _allocation

__all__: list[str] = []
assert _allocation
