"""Business papers with so many lines."""

from typing import Any

from perpetua.kit import barcodes


def data_of(name: str, count: int) -> dict[str, Any]:
    """What a paper is handed, with awkward text in it."""
    return {"purchase_order": purchase_order, "receiving_list": receiving_list, "putaway_list": putaway_list}[name](
        count
    )


def purchase_order(count: int) -> dict[str, Any]:
    return {
        "number": "PO-000123",
        "supplier": {"name": "Weavers & Co. #1", "lines": ["Mill Lane 4", "Leeds LS1 4DL", "United Kingdom"]},
        "deliver_to": {"name": "London warehouse (LON)", "lines": ["Dock 2", "4 Quay Street", "London E1"]},
        "facts": [["Date", "2026-11-21"], ["Wanted by", "2026-12-01"], ["Terms", "30 days net"], ["Currency", "EUR"]],
        "lines": [
            {
                "line_no": number, "sku": f"TSHIRT-{number:04}", "supplier_sku": f"W-{number}" if number % 3 else None,
                "name": 'T-shirt, "navy" *blue* $5 [#x] with a name that goes on for rather long', "quantity": "1200",
                "unit": "each", "unit_price": "4.25", "amount": "5100.00", "wanted_on": "2026-12-01",
            }
            for number in range(1, count + 1)
        ],
        "prices": True,
        "totals": [["Goods", "5100.00"], ["Total EUR", "5100.00"]],
        "note": "Please deliver between 8 and 12.",
    }  # fmt: skip


def receiving_list(count: int) -> dict[str, Any]:
    return {
        "number": "R-000077",
        "supplier": {"name": "Weavers & Co.", "lines": []},
        "site": {"name": "London warehouse", "lines": ["Dock 2"]},
        "facts": [["Expected", "2026-11-23"], ["Orders", "PO-000123, PO-000124"], ["ASN", None], ["Cartons", "48"]],
        "blind": False,
        "lines": [
            {
                "line_no": number, "order": "PO-000123", "sku": f"TSHIRT-{number:04}", "supplier_sku": f"W-{number}",
                "name": "T-shirt, navy blue, medium", "expected": "1200", "unit": "each",
                "tracking": ("none", "lot", "serial")[number % 3], "place": "LON-DOCK-2",
            }
            for number in range(1, count + 1)
        ],
    }  # fmt: skip


def putaway_list(count: int) -> dict[str, Any]:
    return {
        "number": "R-000077",
        "facts": [["Site", "LON"], ["From", "LON-DOCK-2"], ["Printed", "2026-11-21 22:00"], ["For", "Sam"]],
        "lines": [
            {
                "line_no": number, "from": "LON-DOCK-2", "sku": f"TSHIRT-{number:04}",
                "lot": "L-77" if number % 2 else "",
                "plate": None, "name": "T-shirt, navy blue, medium", "quantity": "240", "unit": "each",
                "to": f"LON-A-04-{number % 100:02}-3",
                "to_symbol": barcodes.make("datamatrix", f"LON-A-04-{number % 100:02}-3").svg(),
            }
            for number in range(1, count + 1)
        ],
    }  # fmt: skip
