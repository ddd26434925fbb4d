"""One keep-alive connection to a server, by hand: the load must cost less than what it loads."""

import asyncio
from typing import Any, NamedTuple, TypeVar

import msgspec

__all__ = ["Answer", "Broken", "Wire"]

T = TypeVar("T")
PATIENCE_SECONDS = 60.0
MOST_HEAD = 2**16


class Broken(Exception):
    """No answer came: whether it was done is not known."""


class Answer(NamedTuple):
    """What a server said; read as far as it is asked for."""

    status: int
    said: bytes

    @property
    def done(self) -> bool:
        """Whether it was done (now or before)."""
        return self.status in {200, 201}

    @property
    def body(self) -> Any:
        """All of it."""
        return msgspec.json.decode(self.said) if self.said else None

    def read(self, as_: type[T]) -> T:
        """As much of it as the type has fields for."""
        return msgspec.json.decode(self.said, type=as_)


class Wire:
    """A client's connection to one server; made when it is needed, and again after it broke."""

    def __init__(self, port: int, secret: str) -> None:
        self._port = port
        self._fixed = f"Host: 127.0.0.1\r\nAuthorization: Bearer {secret}\r\nContent-Type: application/json\r\n"
        self._turn = asyncio.Lock()
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(
        self, path: str, body: bytes, key: str | None = None, *, method: str = "POST", version: int | None = None,
        patience: float = PATIENCE_SECONDS,
    ) -> Answer:  # fmt: skip
        """Send it, and wait for the answer.

        Args:
            key: sent as Idempotency-Key.
            version: sent as If-Match.

        Raises:
            Broken: none came.
        """
        head = f"{method} {path} HTTP/1.1\r\n{self._fixed}Content-Length: {len(body)}\r\n"
        if key:
            head += f"Idempotency-Key: {key}\r\n"
        if version is not None:
            head += f'If-Match: "{version}"\r\n'
        try:
            async with self._turn, asyncio.timeout(patience):
                return await self._exchange(f"{head}\r\n".encode() + body)
        except (OSError, EOFError, TimeoutError, asyncio.LimitOverrunError) as error:
            self.close()
            raise Broken(str(error)) from error
        except BaseException:
            self.close()  # an answer may still come, to a question that is no longer asked
            raise

    def close(self) -> None:
        """Hang up."""
        if self._streams:
            self._streams[1].close()
            self._streams = None

    async def _exchange(self, sent: bytes) -> Answer:
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port, limit=MOST_HEAD)
        reader, writer = self._streams
        writer.write(sent)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        at = head.find(b"\r\ncontent-length:")
        length = int(head[at + 17 : head.index(b"\r", at + 2)]) if at >= 0 else 0
        said = await reader.readexactly(length) if length else b""
        if b"\r\nconnection: close" in head:
            self.close()
        return Answer(int(head[9:12]), said)
