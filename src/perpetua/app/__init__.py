"""What runs it all: settings, web, worker, supervisor, command line.

Whatever is started here, allocation listens to the ledger: no way of posting stock breaks what was promised. And it
knows of purchasing what is to come, and tells whoever waits.
"""

from perpetua.allocation import port as _allocation
from perpetua.allocation import service as _service
from perpetua.app.coming import COMING
from perpetua.purchasing import events as _purchasing

__all__: list[str] = []
assert _service

_allocation.supplied_by(COMING)
_purchasing.listen(COMING)
