"""Sales orders as values: what is asked, what became of it."""

from perpetua.orders.types.commands import (
    MAX_LINES,
    CancelLine,
    CancelOrder,
    ChangeLine,
    ChangeOrder,
    Contact,
    FloorStatus,
    Fulfilment,
    MoveOnFloor,
    Pick,
    PlaceLine,
    PlaceOrder,
    PlaceOrders,
    ReturnLine,
    ReturnOrder,
    ShipLine,
    ShipOrder,
    ShipTo,
)
from perpetua.orders.types.customers import (
    ChangeCustomer,
    CreateCustomer,
    Customer,
    CustomerFilters,
    KeptCustomer,
)
from perpetua.orders.types.keeping import (
    AddedLine,
    Counts,
    Known,
    LineChange,
    Locked,
    NewLine,
    NewOrder,
    OpenLine,
)
from perpetua.orders.types.reading import (
    Order,
    OrderFilters,
    OrderLine,
    OrderStatus,
    OrderSummary,
    PlacedMany,
    PlacedOne,
    number_of,
)

__all__ = [
    "MAX_LINES", "AddedLine", "CancelLine", "CancelOrder", "ChangeCustomer", "ChangeLine", "ChangeOrder", "Contact",
    "Counts", "CreateCustomer", "Customer", "CustomerFilters", "FloorStatus", "Fulfilment", "KeptCustomer", "Known",
    "LineChange", "Locked", "MoveOnFloor", "NewLine", "NewOrder", "OpenLine", "Order", "OrderFilters", "OrderLine",
    "OrderStatus", "OrderSummary", "Pick", "PlaceLine", "PlaceOrder", "PlaceOrders", "PlacedMany", "PlacedOne",
    "ReturnLine", "ReturnOrder", "ShipLine", "ShipOrder", "ShipTo", "number_of",
]  # fmt: skip
