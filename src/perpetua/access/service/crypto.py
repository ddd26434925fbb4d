"""Hashes, ciphers and random secrets: nothing here is stored in a form that can be read back without the key.

Always true:
- A random secret (session, API token, recovery code) has at least 80 random bits and is kept as its SHA-256 alone.
- A password is kept as argon2id; verifying one for nobody takes as long as for somebody.
- What must be read back (the secret of a second factor) is encrypted, and bound to its person.
"""

import asyncio
import base64
import contextlib
import hashlib
import os
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import cache
from typing import TypeVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from pyotp.totp import TOTP

from perpetua.access.errors import SecondFactorState
from perpetua.access.types import Secrets

__all__ = [
    "TOKEN_PREFIX", "code_step", "decrypted", "digest", "encrypted", "hashed", "is_under", "new_password",
    "new_recovery_code", "new_token", "recovery_digest", "verified",
]  # fmt: skip

T = TypeVar("T")
TOKEN_PREFIX = "ppt_"  # noqa: S105
STEP_SECONDS = 30

# OWASP's second choice for argon2id: 19 MiB, two passes. Two at a time bound the memory that guessing can take.
_passwords = PasswordHash((Argon2Hasher(time_cost=2, memory_cost=19 * 1024, parallelism=1),))
_threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="passwords")


async def hashed(password: str) -> str:
    """The password's argon2id hash."""
    return await _aside(lambda: _passwords.hash(password))


async def verified(password: str, known: str | None) -> bool:
    """Whether `password` is the one whose hash is `known`; takes the same time where there is none."""
    right = await _aside(lambda: _passwords.verify(password, known or _nobodys()))
    return right and known is not None


def digest(secret: str) -> bytes:
    """What is kept of a random secret."""
    return hashlib.sha256(secret.encode()).digest()


def recovery_digest(code: str) -> bytes:
    """What is kept of a recovery code; case, spaces and dashes do not matter."""
    return digest("".join(letter for letter in code.casefold() if letter.isalnum()))


def new_token(prefix: str = "") -> str:
    """A random token of 256 bits."""
    return prefix + secrets.token_urlsafe(32)


def new_password() -> str:
    """A password to be read out and typed: 5 groups of 4 letters, 100 bits, none of them easily confused."""
    return _typed(5)


def new_recovery_code() -> str:
    """A code to be kept on paper: 4 groups of 4 letters, 80 bits."""
    return _typed(4)


def encrypted(keys: Secrets, text: str, person_id: int) -> bytes:
    """`text` under a key that is not in the database, good for this person alone."""
    nonce = os.urandom(12)
    return nonce + AESGCM(keys.key_for("second-factor")).encrypt(nonce, text.encode(), str(person_id).encode())


def decrypted(keys: Secrets, data: bytes, person_id: int) -> str:
    """What was encrypted for this person.

    Raises:
        SecondFactorState: the installation's secret is another one than then.
    """
    for key in keys.keys_for("second-factor"):
        with contextlib.suppress(InvalidTag):
            return AESGCM(key).decrypt(bytes(data[:12]), bytes(data[12:]), str(person_id).encode()).decode()
    reason = "The second factor was made under another secret of this installation; have it reset."
    raise SecondFactorState(reason=reason)


def is_under(keys: Secrets, data: bytes, person_id: int) -> bool:
    """Whether it was encrypted under one of these keys."""
    try:
        decrypted(keys, data, person_id)
    except SecondFactorState:
        return False
    return True


def code_step(secret: str, code: str, now: datetime) -> int | None:
    """The time step (30 s) that `code` belongs to, one step of clock drift allowed; None where it is no code of now."""
    code = code.replace(" ", "")
    if not (len(code) == 6 and code.isascii() and code.isdigit()):
        return None
    present = int(now.timestamp()) // STEP_SECONDS
    totp = TOTP(secret)
    matching = [s for s in range(present - 1, present + 2) if secrets.compare_digest(totp.generate_otp(s), code)]
    return max(matching, default=None)


def _typed(groups: int) -> str:
    letters = base64.b32encode(os.urandom(groups * 3)).decode().lower().rstrip("=")
    return "-".join(letters[n * 4 : n * 4 + 4] for n in range(groups))


@cache
def _nobodys() -> str:
    return _passwords.hash(secrets.token_urlsafe(32))


async def _aside(work: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(_threads, work)
