"""What can be done with the ledger: one function a use case, one transaction each."""

from perpetua.ledger import rules
from perpetua.ledger.service.approving import approve, list_requests, reject, withdraw
from perpetua.ledger.service.archiving import archive, archived_rows, archived_stock, list_archives
from perpetua.ledger.service.certificates import (
    MAX_CERTIFICATE_BYTES,
    holds_content,
    put_certificate,
    read_certificate,
    remove_certificate,
)
from perpetua.ledger.service.checking import check, knows_head, last_check, list_checks
from perpetua.ledger.service.correcting import correct, reverse
from perpetua.ledger.service.exporting import StockBy, export_movements, export_stock
from perpetua.ledger.service.keeping import make_checkpoints, make_partitions, seal
from perpetua.ledger.service.lot_reading import (
    expiring_untold,
    get_lot,
    keep_expiry_alerts,
    list_expiring,
    list_lot_events,
    list_lots,
)
from perpetua.ledger.service.lotting import KeptLot, change_lot, lock_lots, mark_lots, require_lots, set_lot_status
from perpetua.ledger.service.moving import cancel_transfer, get_transfer, list_transfers, receive_transfer, transfer
from perpetua.ledger.service.naming import lots_named, serials_named
from perpetua.ledger.service.posting import Fitted, hold, post, post_fitting
from perpetua.ledger.service.reading import (
    catalogue_at,
    get_movement,
    item_levels,
    list_movements,
    list_stock,
    stock_of,
)
from perpetua.ledger.service.reasons import change_reason, list_reasons
from perpetua.ledger.service.resolving import Resolved, effective
from perpetua.ledger.service.serials import get_serial, list_serials, serial_history
from perpetua.ledger.service.stocking import adjust, incoming, receive, return_, sale_rows, sell, take_back, write_off

__all__ = [
    "MAX_CERTIFICATE_BYTES",
    "Fitted",
    "KeptLot",
    "Resolved",
    "StockBy",
    "adjust",
    "approve",
    "archive",
    "archived_rows",
    "archived_stock",
    "cancel_transfer",
    "catalogue_at",
    "change_lot",
    "change_reason",
    "check",
    "correct",
    "effective",
    "expand",
    "expiring_untold",
    "export_movements",
    "export_stock",
    "get_lot",
    "get_movement",
    "get_serial",
    "get_transfer",
    "hold",
    "holds_content",
    "incoming",
    "item_levels",
    "keep_expiry_alerts",
    "knows_head",
    "last_check",
    "list_archives",
    "list_checks",
    "list_expiring",
    "list_lot_events",
    "list_lots",
    "list_movements",
    "list_reasons",
    "list_requests",
    "list_serials",
    "list_stock",
    "list_transfers",
    "lock_lots",
    "lots_named",
    "make_checkpoints",
    "make_partitions",
    "mark_lots",
    "post",
    "post_fitting",
    "put_certificate",
    "read_certificate",
    "receive",
    "receive_transfer",
    "reject",
    "remove_certificate",
    "require_lots",
    "return_",
    "reverse",
    "sale_rows",
    "seal",
    "sell",
    "serial_history",
    "serials_named",
    "set_lot_status",
    "stock_of",
    "take_back",
    "transfer",
    "withdraw",
    "write_off",
]

expand = rules.expand
