"""The installation's own secret, kept in a file where none is given.

Always true:
- The file is there whole or not at all, and for its owner alone (mode 0600).
- Its first line is the secret in use; what follows was in use before, and still reads what was written under it.
"""

import os
import secrets
import tempfile
from collections.abc import Sequence
from pathlib import Path

from perpetua.kit.errors import Conflict

__all__ = ["forget_old", "kept", "rotate"]


def kept(home: Path) -> list[str]:
    """The secret in use, then those before it; made at the first use."""
    path = home / "secret"
    if not path.exists():
        home.mkdir(parents=True, exist_ok=True)
        draft = _draft(home, [_new()])
        try:
            os.link(draft, path)  # whole or not at all; the first of two processes wins
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text().split()


def rotate(home: Path) -> None:
    """Put a new secret in use; the one before it is still accepted.

    Raises:
        Conflict: an earlier rotation was not finished.
    """
    lines = kept(home)
    if len(lines) > 1:
        raise Conflict(reason="The last rotation is not finished: run `perpetua secret finish` first.")
    _draft(home, [_new(), *lines]).replace(home / "secret")


def forget_old(home: Path) -> None:
    """Accept only the secret in use."""
    _draft(home, kept(home)[:1]).replace(home / "secret")


def _new() -> str:
    return secrets.token_urlsafe(48)


def _draft(home: Path, lines: Sequence[str]) -> Path:
    descriptor, name = tempfile.mkstemp(dir=home)  # mkstemp makes it 0600
    with os.fdopen(descriptor, "w") as file:
        file.write("\n".join(lines))
        file.flush()
        os.fsync(file.fileno())
    return Path(name)
