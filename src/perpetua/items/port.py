"""Where the content of images is kept: a folder on disk, or any object store that has these two verbs.

Always true: a key is the SHA-256 of its content in hexadecimal; no other name reaches the store, and none leads out.
"""

import asyncio
import os
import re
import uuid
from pathlib import Path
from typing import Protocol, runtime_checkable

__all__ = ["DiskStore", "ObjectStore"]

_KEY = re.compile(r"[0-9a-f]{64}", re.ASCII)


@runtime_checkable
class ObjectStore(Protocol):
    """Keeps contents under their hash. Writing the same again changes nothing."""

    async def put(self, key: str, content: bytes) -> None:
        """Keep `content` under `key`; it is safe on return."""
        ...

    async def get(self, key: str) -> bytes | None:
        """The content under `key`, or None."""
        ...


class DiskStore:
    """Keeps contents as files in a folder, 256 folders wide."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def put(self, key: str, content: bytes) -> None:
        """Keep it; the file appears whole or not at all."""
        await asyncio.to_thread(self._write, self._path(key), content)

    async def get(self, key: str) -> bytes | None:
        """The content, or None."""
        path = self._path(key)
        return await asyncio.to_thread(path.read_bytes) if await asyncio.to_thread(path.is_file) else None

    def _path(self, key: str) -> Path:
        if not _KEY.fullmatch(key):
            raise ValueError("a key is 64 hexadecimal digits")
        return self.folder / key[:2] / key

    @staticmethod
    def _write(path: Path, content: bytes) -> None:
        if path.is_file():
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f"{path.name}.{uuid.uuid4().hex}")
        with draft.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
