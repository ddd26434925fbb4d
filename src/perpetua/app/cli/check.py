"""`perpetua check`: proof that ledger, levels and seals agree."""

from cyclopts import App

from perpetua.allocation import service as allocation
from perpetua.app.cli import common
from perpetua.ledger import service

__all__ = ["app"]

app = App(name="check", help="Prove that ledger, levels and seals agree.")

_COLUMNS = {"meaning": "What must be true", "wrong": "Wrong", "milliseconds": "ms"}


@app.default
async def check(*, seal: bool = True, head: str | None = None) -> int:
    """Recompute every projection from the ledger and every seal from its rows; exit code 3 when anything differs.

    Args:
        seal: first seal what has become final since the last time.
        head: a hash that an earlier check told, kept outside of this database; it must still be in the chain.
    """
    async with common.database() as db:
        if seal:
            await service.seal(db)
        with common.progress() as bar:
            task = bar.add_task("Checking", total=None)

            def told(name: str, done: int, of: int) -> None:
                bar.update(task, description=name, completed=done, total=of)

            done = await allocation.check(db, common.actor(), told=told)
        known = head is None or await service.knows_head(db, common.actor(), head)
    whole = done.passed and known
    if common.as_json():
        common.show({"passed": whole, "head_known": known, "check": done})
        return common.DONE if whole else common.INTEGRITY
    common.show(done.findings, title=f"{done.rows:,} rows", columns=_COLUMNS)
    for finding in done.findings:
        for example in finding.examples:
            common.say(f"{finding.name}: " + ", ".join(f"{name} {value}" for name, value in example.items()))
    if not known:
        common.say(f"No seal has the hash {head}: the chain was remade.")
    if whole:
        common.say(f"All is well. Head of the chain, to be noted elsewhere: {done.head or 'nothing sealed yet'}")
    else:
        common.say(
            "Something was changed behind the ledger's back, or there is a fault. Keep a backup before all else."
        )
    return common.DONE if whole else common.INTEGRITY
