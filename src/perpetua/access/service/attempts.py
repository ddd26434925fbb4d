"""Guessing is counted, and stopped, by account and by address.

Always true:
- An attempt is counted, and committed, before anything is verified: attempts at once, at any number of processes,
  get no more tries than attempts one by one.
- An account that does not exist is counted and locked as one that does.
- Only who gets in is forgotten; an address's count falls by one attempt for each that got in from it.
"""

import ipaddress
from datetime import timedelta
from typing import Final

import msgspec

from perpetua.access import store
from perpetua.access.errors import TooManyAttempts
from perpetua.access.service import crypto
from perpetua.kit.database import Database, Tx

__all__ = ["ACCOUNT_LIMIT", "ADDRESS_LIMIT", "WINDOW", "Counted", "count", "of_account", "succeeded"]

WINDOW: Final = timedelta(minutes=15)
ACCOUNT_LIMIT: Final = 10
"""Wrong attempts on one account within WINDOW; the tenth locks it for another."""
ADDRESS_LIMIT: Final = 100
"""Wrong attempts from one address: more than an account's, as a whole warehouse may share one."""


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt that was counted. `locks`: it was the last one that the account had."""

    account: bytes
    address: bytes | None
    locks: bool


def of_account(email: str) -> str:
    """The name under which attempts to sign in to an account are counted."""
    return f"account {email.strip().lower()}"


async def count(db: Database, account: str, address: str | None = None) -> Counted:
    """Count an attempt on `account` (from `address`), in a transaction of its own.

    Raises:
        TooManyAttempts: no more are taken for now.
    """
    account_key = crypto.digest(account)
    address_key = None if address is None else crypto.digest(f"address {_network(address)}")
    limits = {account_key: ACCOUNT_LIMIT} | ({} if address_key is None else {address_key: ADDRESS_LIMIT})
    counted = {bytes(each.key): each for each in await db.run(lambda tx: store.count_attempts(tx, limits, WINDOW))}
    over = [counted[key].seconds for key, limit in limits.items() if counted[key].failures > limit]
    if over:
        raise TooManyAttempts(retry_after_seconds=min(max(1, *over), int(WINDOW.total_seconds())))
    locks = counted[account_key].failures == ACCOUNT_LIMIT
    return Counted(account=account_key, address=address_key, locks=locks)


async def succeeded(tx: Tx, counted: Counted, *, all_of_it: bool = True) -> None:
    """The attempt was right. Unless `all_of_it` was (a code is still missing), earlier ones are not forgotten."""
    if all_of_it:
        await store.forget_attempts(tx, counted.account)
    keys = [counted.address] if all_of_it else [counted.account, counted.address]
    await store.give_back_attempts(tx, [key for key in keys if key is not None])


def _network(address: str) -> str:
    """What one party holds: an IPv4 address, or the /64 of an IPv6 one."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(ipaddress.ip_network(f"{parsed}/64", strict=False)) if parsed.version == 6 else str(parsed)
