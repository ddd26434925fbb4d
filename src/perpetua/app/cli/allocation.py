"""`perpetua allocation`: the rules of who gets what, shown, told version by version, changed from a file."""

import sys
from pathlib import Path
from typing import Annotated, Any

import msgspec
from cyclopts import App, Parameter

from perpetua.allocation import service
from perpetua.allocation.types import Rules, RulesVersion, SetRules
from perpetua.app.cli import common
from perpetua.kit import json
from perpetua.kit.errors import InvalidValue
from perpetua.kit.listing import PageRequest

__all__ = ["app"]

app = App(name="allocation", help="The rules of allocation.")

_VERSIONS = {"version": "Version", "created_at": "Since", "by": "By", "note": "Why"}
_CHANGES = {"field": "Rule", "before": "Is", "after": "Would be"}


class _Shown(msgspec.Struct):
    """Of what `show --json` printed, what counts."""

    rules: Rules
    version: int | None = None


@app.command
async def show(version: int | None = None) -> None:
    """Show the rules. With --json, as `set` takes them back from a file.

    Args:
        version: as they were at that one.
    """
    async with common.database() as db:
        _show(await service.get_rules(db, common.actor(), version))


@app.command
async def history(*, limit: int = 50, cursor: str | None = None) -> None:
    """List the versions of the rules, the newest first: since when, by whom, why.

    Args:
        limit: at most so many, up to 1000.
        cursor: what the page before told to go on with.
    """
    async with common.database() as db:
        page = await service.list_rules(db, common.actor(), PageRequest(limit=min(max(limit, 1), 1000), cursor=cursor))
    common.show_page(page, title="Versions of the rules", columns=_VERSIONS)


@app.command(name="set")
async def set_(
    file: Path,
    *,
    version: int | None = None,
    note: str | None = None,
    dry_run: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Make the rules in a file the rules from now on: all of them, those that it leaves out as installed.

    Refused when somebody changed the rules since `version`. Those who wait are looked at again by the worker.

    Args:
        file: JSON: the rules, or what `show --json` printed; - is the standard input.
        version: which version is changed; what `show --json` printed tells it.
        note: why, for those who ask later.
        dry_run: only tell what would be different.
    """
    rules, told = _read(file)
    version = version if version is not None else told
    if version is None:
        raise InvalidValue("--version", "", "say which version you change; `perpetua allocation show` tells it")
    command = SetRules(rules=rules, note=note)
    async with common.database() as db:
        if dry_run:
            changes = await service.try_rules(db, common.actor(), command, version=version)
            common.show(changes, title="Changes", columns=_CHANGES)
        else:
            _show((await service.set_rules(db, common.actor(), command, version=version)).answer)


def _show(rules: RulesVersion) -> None:
    if common.as_json():
        common.show(rules)
        return
    common.show({name: getattr(rules, name) for name in _VERSIONS}, title=f"Version {rules.version}")
    told: dict[str, Any] = json.plain(rules.rules)
    tiers, channels = told.pop("tiers"), told.pop("channels")
    common.show(told, title="Rules")
    common.show(tiers, title="Tiers")
    common.show([{"channel": name, **channel} for name, channel in channels.items()], title="Channels")


def _read(file: Path) -> tuple[Rules, int | None]:
    """The rules in a file, and the version that they were shown at, if it tells."""
    from perpetua.app.request import decoded

    try:
        text = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as odd:
        raise InvalidValue("file", str(file), f"cannot be read: {odd.strerror}") from None
    whole = decoded(text, Any)
    if isinstance(whole, dict) and "rules" in whole:
        shown = decoded(text, _Shown)
        return shown.rules, shown.version
    return decoded(text, Rules), None
