"""Where libraries that write files write to, when the bytes go elsewhere."""

import io
from typing import Any

__all__ = ["Sink"]


class Sink(io.RawIOBase):
    """What is written, until it is taken; it cannot be sought, so that who writes to it streams."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        self._parts.append(bytes(data))
        return len(data)

    def take(self) -> bytes:
        """Everything written since the last call."""
        taken = b"".join(self._parts)
        self._parts.clear()
        return taken
