"""What can be done with the ledger: one function a use case, one transaction each."""

from perpetua.ledger.service.approving import approve, list_requests, reject, withdraw
from perpetua.ledger.service.archiving import archive, archived_rows, archived_stock, list_archives
from perpetua.ledger.service.checking import check, knows_head, last_check, list_checks
from perpetua.ledger.service.correcting import correct
from perpetua.ledger.service.exporting import StockBy, export_movements, export_stock
from perpetua.ledger.service.keeping import make_checkpoints, make_partitions, seal
from perpetua.ledger.service.moving import cancel_transfer, get_transfer, list_transfers, receive_transfer, transfer
from perpetua.ledger.service.naming import lots_named, serials_named
from perpetua.ledger.service.posting import Fitted, post, post_fitting
from perpetua.ledger.service.reading import (
    catalogue_at,
    get_movement,
    item_levels,
    list_movements,
    list_serials,
    list_stock,
    stock_of,
)
from perpetua.ledger.service.reasons import change_reason, list_reasons
from perpetua.ledger.service.resolving import effective
from perpetua.ledger.service.stocking import adjust, receive, return_, sale_rows, sell, write_off

__all__ = [
    "Fitted",
    "StockBy",
    "adjust",
    "approve",
    "archive",
    "archived_rows",
    "archived_stock",
    "cancel_transfer",
    "catalogue_at",
    "change_reason",
    "check",
    "correct",
    "effective",
    "export_movements",
    "export_stock",
    "get_movement",
    "get_transfer",
    "item_levels",
    "knows_head",
    "last_check",
    "list_archives",
    "list_checks",
    "list_movements",
    "list_reasons",
    "list_requests",
    "list_serials",
    "list_stock",
    "list_transfers",
    "lots_named",
    "make_checkpoints",
    "make_partitions",
    "post",
    "post_fitting",
    "receive",
    "receive_transfer",
    "reject",
    "return_",
    "sale_rows",
    "seal",
    "sell",
    "serials_named",
    "stock_of",
    "transfer",
    "withdraw",
    "write_off",
]
