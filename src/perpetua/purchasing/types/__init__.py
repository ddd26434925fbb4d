"""Purchasing as values: what suppliers sell, what is asked, what became of it."""

from perpetua.purchasing.types.commands import (
    MAX_LINES,
    AddLine,
    ApproveOrder,
    CancelLine,
    CancelOrder,
    ChangeLine,
    ChangeOrder,
    CloseShort,
    ConfirmLine,
    ConfirmOrder,
    CreateOrder,
    SetSettings,
    SubmitOrder,
)
from perpetua.purchasing.types.items import (
    ChangeSupplierItem,
    ItemTerms,
    PriceBreak,
    SetSupplierItem,
    SetSupplierItems,
    SupplierItem,
    SupplierItemFilters,
    SupplierItemsSet,
)
from perpetua.purchasing.types.keeping import (
    Came,
    Coming,
    Counts,
    LineToReceive,
    LineToWrite,
    OrderToReceive,
    TakenIn,
)
from perpetua.purchasing.types.reading import (
    Approval,
    Event,
    Order,
    OrderFilters,
    OrderLine,
    OrderStatus,
    OrderSummary,
    Proposal,
    Sending,
    SendState,
    Settings,
    Version,
    number_of,
)

__all__ = [
    "MAX_LINES", "AddLine", "Approval", "ApproveOrder", "Came", "CancelLine", "CancelOrder", "ChangeLine",
    "ChangeOrder", "ChangeSupplierItem", "CloseShort", "Coming", "ConfirmLine", "ConfirmOrder", "Counts",
    "CreateOrder", "Event", "ItemTerms", "LineToReceive", "LineToWrite", "Order", "OrderFilters", "OrderLine",
    "OrderStatus", "OrderSummary", "OrderToReceive", "PriceBreak", "Proposal", "SendState", "Sending",
    "SetSettings", "SetSupplierItem", "SetSupplierItems", "Settings", "SubmitOrder", "SupplierItem",
    "SupplierItemFilters", "SupplierItemsSet", "TakenIn", "Version", "number_of",
]  # fmt: skip
