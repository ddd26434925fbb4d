"""A sign-in for each role, and for who works at each site.

Passwords follow from the installation's own secret: the same at each start, nobody else's.
"""

from typing import Final, NamedTuple

from perpetua.access.types import Role, Secrets

__all__ = ["PEOPLE", "DemoPerson", "password"]

WORDS: Final = (
    "acorn", "amber", "anchor", "apple", "arrow", "autumn", "badger", "bamboo", "barley", "beacon", "birch", "bramble",
    "breeze", "bridge", "candle", "canvas", "cedar", "cherry", "clover", "cobalt", "copper", "cotton", "cricket",
    "daisy", "ember", "falcon", "fern", "flint", "forest", "garnet", "ginger", "harbour", "hazel", "heather", "indigo",
    "island", "ivory", "jasper", "juniper", "kettle", "lantern", "lemon", "linen", "lupin", "maple", "marble", "meadow",
    "mellow", "nettle", "ocean", "olive", "orchid", "otter", "pebble", "pepper", "quartz", "raven", "ribbon", "saffron",
    "silver", "thistle", "timber", "velvet", "willow",
)  # fmt: skip


class DemoPerson(NamedTuple):
    """Who signs in. `site`: the place they are confined to; None is everywhere."""

    email: str
    name: str
    role: Role
    site: str | None = None


PEOPLE: Final = (
    DemoPerson("admin@larkfield.example", "Ruth Ashworth", "administrator"),
    DemoPerson("manager@larkfield.example", "Daniel Okafor", "inventory_manager"),
    DemoPerson("warehouse@larkfield.example", "Maja Lind", "warehouse_staff", "WH1"),
    DemoPerson("shop@larkfield.example", "Ellen Marsh", "warehouse_staff", "ST1"),
    DemoPerson("fulfilment@larkfield.example", "Samuel Reyes", "warehouse_staff", "FC1"),
    DemoPerson("purchasing@larkfield.example", "Tomás Ferreira", "purchasing_staff"),
    DemoPerson("viewer@larkfield.example", "Priya Nair", "viewer"),
)


def password(secrets: Secrets, person: DemoPerson) -> str:
    """Four words that belong to this person on this installation."""
    digest = secrets.key_for(f"demo/{person.email}")
    return "-".join(WORDS[byte % len(WORDS)] for byte in digest[:4]) + f"-{digest[4] % 90 + 10}"
