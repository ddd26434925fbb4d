"""Between purchasing and allocation, which do not know each other: what is to come of suppliers, and who waits."""

from collections.abc import Sequence
from typing import Final

from perpetua.allocation import service as allocation
from perpetua.allocation.port import Expected
from perpetua.kit.clock import system_clock
from perpetua.kit.database import Tx
from perpetua.purchasing import service as purchasing

__all__ = ["COMING", "Coming"]


class Coming:
    """Tells allocation what is to come, and those who wait when it comes at another time."""

    async def expected(self, tx: Tx, variant_ids: Sequence[int]) -> list[Expected]:
        """What suppliers have yet to deliver of these."""
        return [Expected(*one) for one in await purchasing.coming(tx, variant_ids)]

    async def also(self, tx: Tx, variant_ids: Sequence[int]) -> Sequence[tuple[int, int]]:
        """What telling those who wait for these locks."""
        return (await allocation.awaited(tx, variant_ids))[1]

    async def changed(self, tx: Tx, variant_ids: Sequence[int]) -> None:
        """Tell those who wait for these, in the same transaction."""
        wanted, _ = await allocation.awaited(tx, variant_ids)
        if wanted:
            await allocation.expect(tx, wanted, system_clock())


COMING: Final = Coming()
