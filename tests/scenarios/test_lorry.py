"""A lorry comes with forty lines: three short, one wrong, one lot past its day. A morning at the dock, over HTTP."""

from types import SimpleNamespace
from typing import Any

from httpx import AsyncClient
from tests.allocation.helpers import make, order
from tests.allocation.helpers import now as order_now
from tests.receiving.helpers import sound

from perpetua.kit.database import Database
from perpetua.orders.types import Order
from perpetua.purchasing import service as purchasing
from perpetua.purchasing.types import ApproveOrder, SubmitOrder

PLAIN = [f"CAN-{number:02}" for number in range(38)]


async def asked(client: AsyncClient, method: str, path: str, status: int, **body: Any) -> Any:
    answer = await client.request(method, path, **body)
    assert answer.status_code == status, answer.text
    return answer.json()


async def ordered_by_a_buyer(db: Database, world: SimpleNamespace, buyer: AsyncClient) -> Any:
    """The buyer orders forty lines; a person approves, and it goes to the supplier."""
    lines = [{"sku": sku, "quantity": "10", "unit_price": "2"} for sku in [*PLAIN, "CREAM", "MILK"]]
    body = {"supplier": "ORCHARD", "site": "LON", "lines": lines}
    po = await asked(buyer, "POST", "/api/purchase-orders", 201, json=body)
    await purchasing.approve(db, world.actor(), po["id"], ApproveOrder())
    await purchasing.submit(db, world.actor(), po["id"], SubmitOrder())
    return po


async def unloaded(db: Database, world: SimpleNamespace, clerk: AsyncClient, path: str, waiting: Order) -> Any:
    """Tins, soap, cream and milk come off the lorry; what was taken in first."""
    # Thirty-seven kinds of tins come in as one document; three of them short: 7, 4 and none.
    came = [{"sku": sku, "quantity": "10"} for sku in PLAIN[3:]]
    came += [{"sku": PLAIN[0], "quantity": "7"}, {"sku": PLAIN[1], "quantity": "4"}]
    taken = await asked(clerk, "POST", f"{path}/lines", 201, json={"lines": came})
    assert len(taken["lines"]) == 37
    # Who waited has the goods already.
    assert (await order_now(db, world, waiting)).status == "ALLOCATED"

    # A box of soap is among them. It is caught at the scan; the clerk sets it aside in quarantine.
    soap = {"sku": "SOAP", "quantity": "5"}
    problem = await asked(clerk, "POST", f"{path}/lines", 409, json={"lines": [soap]})
    assert (problem["code"], problem["sku"]) == ("unexpected_item", "SOAP")
    aside = await asked(
        clerk, "POST", f"{path}/lines", 201, json={"lines": [soap | {"instead_of": PLAIN[2], "note": "wrong box"}]}
    )
    assert (aside["lines"][0]["location"], aside["lines"][0]["discrepancies"]) == ("LON-Q", ["wrong_item"])

    # The cream is past its day: refused with the day, then taken into quarantine for the supplier to fetch.
    cream = {"sku": "CREAM", "quantity": "10", "lot": "C-1", "expires_on": "2025-12-31"}
    problem = await asked(clerk, "POST", f"{path}/lines", 409, json={"lines": [cream]})
    assert (problem["code"], problem["expires_on"]) == ("expired_goods", "2025-12-31")
    await asked(clerk, "POST", f"{path}/lines", 201, json={"lines": [cream], "accept": ["expired"]})
    milk = {"sku": "MILK", "quantity": "10", "lot": "M-1", "expires_on": "2099-12-31"}
    await asked(clerk, "POST", f"{path}/lines", 201, json={"lines": [milk]})
    return taken


async def settled(buyer: AsyncClient, clerk: AsyncClient) -> None:
    """The buyer sees what was wrong in the list and settles it with the supplier; the clerk may not."""
    queue = await asked(buyer, "GET", "/api/discrepancies", 200, params={"status": "OPEN", "supplier": "ORCHARD"})
    one = next(each for each in queue["items"] if each["kind"] == "wrong_item")
    answer = {"resolution": "returned", "note": "fetched on Thursday"}
    resolve = f"/api/discrepancies/{one['id']}/resolve"
    assert (await clerk.post(resolve, json=answer, headers={"If-Match": '"1"'})).status_code == 403
    done = await asked(buyer, "POST", resolve, 200, json=answer, headers={"If-Match": '"1"'})
    assert done["status"] == "RESOLVED"


async def test_a_lorry_with_forty_lines(db: Database, world: SimpleNamespace, callers: dict[str, AsyncClient]) -> None:
    buyer, clerk, manager = callers["purchasing_staff"], callers["warehouse_staff"], callers["inventory_manager"]
    await make(db, world, *PLAIN)
    await make(db, world, "CREAM", tracking="lot")
    await make(db, world, "SOAP")  # nobody ordered that

    po = await ordered_by_a_buyer(db, world, buyer)

    # A customer has been waiting for two of the tins.
    waiting = await order(db, world, (PLAIN[0], 2))
    assert waiting.status == "BACKORDERED"

    # The lorry stands at the dock. The clerk opens a receipt and sees what is to come: forty lines, and no prices.
    opening = {"location": "LON", "orders": [po["number"]], "reference": "DN-4711", "carrier": "Lorry AB 123"}
    receipt = await asked(clerk, "POST", "/api/receipts", 201, json=opening)
    path = f"/api/receipts/{receipt['id']}"
    assert (len(receipt["expected"]), receipt["location"], receipt["supplier"]) == (40, "LON-DOCK", "ORCHARD")
    assert "price" not in str(receipt)
    assert "cost" not in str(receipt)

    taken = await unloaded(db, world, clerk, path, waiting)

    # All is in. What is missing is told by itself.
    done = await asked(clerk, "POST", f"{path}/close", 200, json={})
    kinds = sorted((one["kind"], one["sku"], one["quantity"]) for one in done["found"])
    assert kinds == [
        ("expired", "CREAM", "10"), ("short", PLAIN[0], "3"), ("short", PLAIN[1], "6"), ("short", PLAIN[2], "10"),
        ("wrong_item", "SOAP", "5"),
    ]  # fmt: skip
    assert done["status"] == "CLOSED"

    # What may be promised: the tins that came, not the cream, not the soap.
    skus = [PLAIN[0], PLAIN[1], PLAIN[2], PLAIN[3], "CREAM", "SOAP", "MILK"]
    told = await asked(clerk, "POST", "/api/availability", 200, json={"skus": skus})
    assert [one["available"] for one in told["items"]] == ["5", "4", "0", "10", "0", "0", "10"]
    assert [one["on_order"] for one in told["items"]] == ["3", "6", "10", "0", "0", "0", "0"]

    await settled(buyer, clerk)

    # A tin too many was scanned: undone by the clerk, and the order waits for it again.
    number = next(each["line_no"] for each in taken["lines"] if each["sku"] == PLAIN[4])
    again = await asked(clerk, "POST", f"{path}/undo", 200, json={"line_nos": [number], "reason": "counted twice"})
    assert again["lines"] == 39
    seen = await asked(manager, "GET", f"/api/purchase-orders/{po['id']}", 200)
    assert seen["status"] == "PARTIAL_RECEIVED"
    await sound(db)
