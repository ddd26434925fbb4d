"""Where contents (pictures, certificates, files) are kept: a folder on disk, or any object store that has these verbs.

Always true: a key is the SHA-256 of its content in hexadecimal; no other name reaches the store, and none leads out.
"""

import asyncio
import contextlib
import os
import re
import uuid
from datetime import datetime
from pathlib import Path
from typing import Protocol, runtime_checkable

__all__ = ["DiskStore", "ObjectStore"]

_KEY = re.compile(r"[0-9a-f]{64}", re.ASCII)


@runtime_checkable
class ObjectStore(Protocol):
    """Keeps contents under their hash. Writing the same again changes nothing but its age."""

    async def put(self, key: str, content: bytes) -> None:
        """Keep `content` under `key`; it is safe on return."""
        ...

    async def get(self, key: str) -> bytes | None:
        """The content under `key`, or None."""
        ...

    async def renew(self, key: str) -> None:
        """What is under `key`, if anything, is from now on no older than this instant."""
        ...

    async def older(self, instant: datetime) -> list[str]:
        """Keys of what was neither put nor renewed since."""
        ...

    async def remove(self, key: str) -> None:
        """Forget what is under `key`, if anything."""
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

    async def renew(self, key: str) -> None:
        """It is from now on no older than this instant."""
        path = self._path(key)
        with contextlib.suppress(FileNotFoundError):
            await asyncio.to_thread(os.utime, path)

    async def older(self, instant: datetime) -> list[str]:
        """Keys of what was neither put nor renewed since; drafts that a killed writer left are removed on the way."""
        return await asyncio.to_thread(self._older, instant)

    async def remove(self, key: str) -> None:
        """Forget it."""
        path = self._path(key)
        await asyncio.to_thread(path.unlink, missing_ok=True)

    def _older(self, instant: datetime) -> list[str]:
        found: list[str] = []
        for path in self.folder.glob("??/*"):
            with contextlib.suppress(FileNotFoundError):
                if path.stat().st_mtime >= instant.timestamp():
                    continue
                if _KEY.fullmatch(path.name):
                    found.append(path.name)
                else:
                    path.unlink()
        return sorted(found)

    def _path(self, key: str) -> Path:
        if not _KEY.fullmatch(key):
            raise ValueError("a key is 64 hexadecimal digits")
        return self.folder / key[:2] / key

    @staticmethod
    def _write(path: Path, content: bytes) -> None:
        if path.is_file():
            os.utime(path)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f"{path.name}.{uuid.uuid4().hex}")
        with draft.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
