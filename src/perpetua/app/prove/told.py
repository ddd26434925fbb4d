"""What was sent and what the servers said, kept in files: however much it is, it takes no more memory."""

import tempfile
from collections import Counter
from collections.abc import Iterator
from math import floor, log10
from typing import IO, Final

from perpetua.app.prove.plan import Order
from perpetua.app.prove.wire import Answer

__all__ = ["Told"]

SHOWN_SURPRISES: Final = 20
STEPS: Final = 40
"""Of the times that answers took, so many are told apart between one and ten milliseconds, and so on."""
PIECE: Final = 1 << 18


class Told:
    """What the verdict compares with what is there."""

    FILES: Final = ("sent", "told", "moved", "held")

    def __init__(self) -> None:
        self._files: dict[str, IO[bytes]] = {}
        self.counts: Counter[str] = Counter()
        self.surprises: list[str] = []
        """Answers that nobody should get."""
        self.surprised = 0
        self._took: Counter[int] = Counter()

    def sent(self, order: Order) -> None:
        """An order is about to be sent."""
        self._write("sent", order.channel, order.external_id, "t" if order.good else "f")

    def taken(self, order: Order, order_id: int) -> None:
        """An order was acknowledged, now or again, under this id."""
        self._write("told", order.channel, order.external_id, order_id)

    def moved(self, key: str) -> None:
        """Goods came, were lost or moved: the posting under this key was acknowledged."""
        self._write("moved", key)

    def held(self, channel: str, holder: str, units: int) -> None:
        """So many units were asked to be held for a holder, and some were."""
        self._write("held", channel, holder, units)

    def surprise(self, what: str, answer: Answer) -> None:
        """An answer that should not be."""
        self.surprised += 1
        if len(self.surprises) < SHOWN_SURPRISES:
            self.surprises.append(f"{what}: {answer.status} {answer.said[:400].decode(errors='replace')}")

    def took(self, seconds: float) -> None:
        """How long one order took to be answered."""
        self._took[_step(seconds)] += 1

    def milliseconds(self, share: float) -> float:
        """In so many milliseconds such a share of the orders was answered, to within a fifteenth."""
        left = share * self._took.total()
        for step in sorted(self._took):
            left -= self._took[step]
            if left <= 0:
                return round(float(10 ** ((step + 1) / STEPS)), 1)
        return 0.0

    def pieces(self, name: str) -> Iterator[bytes]:
        """What was written, as COPY takes it."""
        file = self._files.get(name)
        if file is None:
            return
        file.seek(0)
        while piece := file.read(PIECE):
            yield piece

    def close(self) -> None:
        """Let the files go."""
        for file in self._files.values():
            file.close()

    def _write(self, name: str, *values: object) -> None:
        if name not in self._files:
            self._files[name] = tempfile.TemporaryFile()  # noqa: SIM115
        self._files[name].write(("\t".join(map(str, values)) + "\n").encode())


def _step(seconds: float) -> int:
    return floor(log10(max(seconds * 1000, 0.01)) * STEPS)
