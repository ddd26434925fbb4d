"""One keep-alive connection to a server, by hand: the load must cost less than what it loads."""

import asyncio
import json
from typing import Any, NamedTuple

__all__ = ["Answer", "Broken", "Wire"]

PATIENCE_SECONDS = 60.0


class Broken(Exception):
    """No answer came: whether it was done is not known."""


class Answer(NamedTuple):
    """What a server said."""

    status: int
    body: Any

    @property
    def done(self) -> bool:
        """Whether it was done (now or before)."""
        return self.status in {200, 201}


class Wire:
    """A client's connection to one server; made when it is needed, and again after it broke."""

    def __init__(self, port: int, secret: str) -> None:
        self._port = port
        self._fixed = f"Host: 127.0.0.1\r\nAuthorization: Bearer {secret}\r\nContent-Type: application/json\r\n"
        self._turn = asyncio.Lock()
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(self, path: str, body: bytes, key: str | None = None) -> Answer:
        """Send it, and wait for the answer.

        Raises:
            Broken: none came.
        """
        head = f"POST {path} HTTP/1.1\r\n{self._fixed}Content-Length: {len(body)}\r\n"
        head += f"Idempotency-Key: {key}\r\n\r\n" if key else "\r\n"
        try:
            async with self._turn, asyncio.timeout(PATIENCE_SECONDS):
                return await self._exchange(head.encode() + body)
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
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        writer.write(sent)
        head = await reader.readuntil(b"\r\n\r\n")
        lines = head.lower().split(b"\r\n")
        length = next((int(line[15:]) for line in lines if line.startswith(b"content-length:")), 0)
        said = await reader.readexactly(length)
        if b"connection: close" in lines:
            self.close()
        return Answer(int(head[9:12]), json.loads(said) if said else None)
