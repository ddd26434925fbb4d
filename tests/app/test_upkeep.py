"""The worker's chores: old months to files, pictures that nobody has, and word of a broken ledger."""

import os
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from tests.worlds import make_world, sealed

from perpetua.access.types import SYSTEM
from perpetua.app import worker
from perpetua.app.settings import Settings
from perpetua.app.upkeep_jobs import tell_of_broken_integrity
from perpetua.items import service as items
from perpetua.kit import jobs
from perpetua.kit.clock import system_clock
from perpetua.kit.database import Database, sql
from perpetua.kit.objects import DiskStore
from perpetua.ledger import service as ledger
from perpetua.ledger.types import Receive, ReceiveLine

OLD = (datetime.now(UTC) - timedelta(days=900)).replace(day=15)
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(20)


@pytest.fixture(scope="module")
async def world(db: Database) -> Any:
    return await make_world(db)


async def do(db: Database, settings: Settings, task: str) -> None:
    """Have a worker do one task."""
    async with db.transaction() as tx:
        await tx.execute(sql("DELETE FROM procrastinate_jobs"))
        await jobs.defer(tx, task, timestamp=0)
    await worker.run(settings, db, until_idle=True)
    async with db.transaction() as tx:
        assert await tx.values(sql("SELECT id FROM procrastinate_jobs WHERE status <> 'todo'")) == []


async def rows(db: Database) -> int:
    async with db.transaction() as tx:
        return await tx.value(sql("SELECT count(*) FROM inventory_transactions"))


async def test_old_months_go_to_files_where_the_settings_say_so(
    db: Database, world: SimpleNamespace, settings: Settings
) -> None:
    async with db.admin() as tx:
        await tx.execute(sql("SELECT ledger_make_partitions(%(m)s::date, 1)"), {"m": OLD.date()})
        await tx.execute(
            sql("""WITH p AS (INSERT INTO postings (recorded_at, effective_at, actor_id, command)
                              VALUES (%(at)s, %(at)s, 0, 'old') RETURNING id)
                   INSERT INTO inventory_transactions (posting_id, recorded_at, effective_at, variant_id, location_id,
                     line_no, type, quantity)
                   SELECT id, %(at)s, %(at)s, %(v)s, %(l)s, 1, 'RECEIPT', 5 FROM p"""),
            {"at": OLD, "v": world.items["APPLE"], "l": world.places["LON-A-1"]},
        )
    await sealed(db)
    await do(db, settings, "upkeep:archive")
    assert await rows(db) == 1
    await do(db, msgspec.structs.replace(settings, archive_months=24), "upkeep:archive")
    assert await rows(db) == 0
    assert [one.file for one in await ledger.list_archives(db, SYSTEM)] == [
        str(settings.archive_folder / f"ledger-{OLD:%Y-%m}.parquet")
    ]


async def test_pictures_that_no_product_has_are_removed_after_a_day(
    db: Database, world: SimpleNamespace, settings: Settings
) -> None:
    store = DiskStore(settings.home / "objects")
    async with db.transaction() as tx:
        one, other = (await tx.values(sql("SELECT id FROM products ORDER BY id")))[:2]
    held = await items.add_image(db, SYSTEM, store, one, PNG + b"held")
    shared = await items.add_image(db, SYSTEM, store, one, PNG + b"shared")
    await items.add_image(db, SYSTEM, store, other, PNG + b"shared")
    gone = await items.add_image(db, SYSTEM, store, one, PNG + b"gone")
    files = {each.sha256: store.folder / each.sha256[:2] / each.sha256 for each in (held, shared, gone)}
    draft = files[held.sha256].with_name("left-by-a-killed-writer")
    draft.write_bytes(b"half")

    def age(*paths: Path) -> None:
        for path in paths:
            before = time.time() - 100_000
            os.utime(path, (before, before))

    def left() -> set[str]:
        return {sha256 for sha256, path in files.items() if path.exists()}

    age(*files.values(), draft)
    for image in (shared, gone):
        await items.remove_image(db, SYSTEM, store, one, image.id)
    await do(db, settings, "upkeep:remove_images")
    assert left() == set(files)  # a day has not passed since they were taken away
    assert not draft.exists()
    age(*files.values())
    await do(db, settings, "upkeep:remove_images")
    assert left() == {held.sha256, shared.sha256}
    assert await items.remove_unheld_images(db, store, before=system_clock()) == 0
    again = await items.add_image(db, SYSTEM, store, one, PNG + b"gone")
    assert (await items.read_image(db, SYSTEM, store, again.sha256)).content == PNG + b"gone"


async def test_what_expires_is_told_of_by_the_worker(db: Database, world: SimpleNamespace, settings: Settings) -> None:
    tomorrow = str(datetime.now(UTC).date() + timedelta(days=1))
    line = ReceiveLine(sku="MILK", quantity=Decimal(1), lot="SOON", expires_on=tomorrow, location="LON-A-1")
    await ledger.receive(db, SYSTEM, Receive(lines=[line]))
    await do(db, msgspec.structs.replace(settings, expiry_days=0), "upkeep:expiring")
    assert [one.number for one in await ledger.expiring_untold(db, 30)] == ["SOON"]
    await do(db, settings, "upkeep:expiring")
    assert await ledger.expiring_untold(db, 30) == []


class Kept:
    """Mail as it was given."""

    def __init__(self) -> None:
        self.sent: list[tuple[Sequence[str], str, str]] = []
        self.away = False

    async def send(self, to: Sequence[str], subject: str, text: str, *, files: Any = ()) -> None:
        if self.away:
            raise ConnectionRefusedError
        self.sent.append((to, subject, text))


@pytest.mark.usefixtures("world")
async def test_administrators_are_told_once_of_each_failed_check(db: Database) -> None:
    mail = Kept()

    async def tell() -> None:
        await tell_of_broken_integrity(db, mail, "http://perpetua.local")

    await tell()
    await ledger.check(db, SYSTEM)
    await tell()
    assert mail.sent == []
    async with db.admin() as tx:
        await tx.execute(sql("INSERT INTO postings (effective_at, actor_id, command) VALUES (now(), 0, 'empty')"))
    assert not (await ledger.check(db, SYSTEM)).passed
    mail.away = True
    with pytest.raises(OSError):
        await tell()
    mail.away = False
    await tell()
    await tell()
    assert [to for to, _, _ in mail.sent] == [["administrator@example.com"]]
    assert "each posting has rows: 1 wrong" in mail.sent[0][2]
    await ledger.check(db, SYSTEM)
    await tell()
    assert len(mail.sent) == 2  # of another check


async def test_without_a_mail_server_nothing_is_sent(db: Database, settings: Settings) -> None:
    await do(db, settings, "upkeep:alert")
