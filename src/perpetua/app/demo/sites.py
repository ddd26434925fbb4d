"""The made-up company's places: a warehouse, a shop and a fulfilment centre, each laid out from a pattern."""

from typing import Final

import msgspec

from perpetua.places.types import Address, CreateLocation, LayOut, Level, SiteKind

__all__ = ["SITES", "Site", "bins"]


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """One site. Below it are `zones`, in each `aisles`, in each `bins`."""

    code: str
    name: str
    kind: SiteKind
    city: str
    postcode: str
    zones: str
    aisles: int
    bins: int

    def create(self) -> CreateLocation:
        """The site with its dock, quarantine and damaged area; transit comes with every site."""
        address = Address(lines=[self.name], city=self.city, postcode=self.postcode, country="GB")
        return CreateLocation(code=self.code, kind=self.kind, name=self.name, address=address, standard_children=True)

    def lay_out(self) -> LayOut:
        """What stands in it."""
        return LayOut(
            parent=self.code,
            levels=[
                Level(kind="zone", labels=list(self.zones)),
                Level(kind="aisle", labels=[f"{n:02d}" for n in range(1, self.aisles + 1)]),
                Level(kind="bin", labels=[f"{n:02d}" for n in range(1, self.bins + 1)], order="serpentine"),
            ],
        )

    @property
    def dock(self) -> str:
        """Where goods arrive."""
        return f"{self.code}-RECEIVING"

    @property
    def quarantine(self) -> str:
        """Where goods wait to be looked at."""
        return f"{self.code}-QUARANTINE"

    @property
    def transit(self) -> str:
        """Where goods on their way here are."""
        return f"{self.code}-TRANSIT"


SITES: Final = (
    Site(code="WH1", name="Larkfield Warehouse Leeds", kind="warehouse", city="Leeds", postcode="LS10 1AA",
         zones="ABCD", aisles=4, bins=20),
    Site(code="ST1", name="Larkfield Shop York", kind="store", city="York", postcode="YO1 7HH",
         zones="AB", aisles=4, bins=12),
    Site(code="FC1", name="Larkfield Fulfilment Doncaster", kind="fulfilment_centre", city="Doncaster",
         postcode="DN4 5JP", zones="AB", aisles=6, bins=20),
)  # fmt: skip
"""The warehouse first: it supplies the others."""


def bins(site: Site) -> list[str]:
    """Codes of the site's bins, aisle by aisle."""
    return [
        f"{site.code}-{zone}-{aisle:02d}-{bin_:02d}"
        for zone in site.zones
        for aisle in range(1, site.aisles + 1)
        for bin_ in range(1, site.bins + 1)
    ]
