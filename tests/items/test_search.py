"""Search finds what was meant: by code, by words, by their beginnings, and through a typo."""

import asyncio
import contextlib
import json

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perpetua.access.types import SYSTEM, Actor
from perpetua.items.rules import search as rules
from perpetua.items.service import SearchFilters, SearchHit, refresh_vocabulary, search_variants
from perpetua.kit.database import Database, sql
from perpetua.kit.errors import InvalidValue, NotAllowed

WORDS = st.text("abcdeабвгё0123", min_size=1, max_size=12)
CATALOGUE = [
    ("TS-0001-RED", "T-shirt crew neck red", "Basics", {"size": "M", "fabric": "cotton"}, "04006381333931"),
    ("TS-0002-BLU", "T-shirt crew neck blue", "Basics", {"size": "L"}, "04006381333948"),
    ("MLK-0500", "Молоко топлёное Простоквашино 500мл", "", {"brand": "Простоквашино"}, "04600000000015"),
    ("MLK-1000", "Молоко отборное 1 л", "", {}, "04600000000022"),
    ("CAF-7", "Café crème moulu", "", {}, "03017620422003"),
    ("WH-1000XM4", "Headphones noise cancelling", "", {"colour": "black"}, "04548736112018"),
    ("GLV-9", "Protective gloves nitrile", "", {"colour": "blue"}, "05012345678900"),
    ("COLA-33", "Кока Кола 0.33", "", {}, "05449000000996"),
]


@pytest.fixture(scope="module")
async def shop(db: Database) -> Database:
    """A small catalogue."""
    async with db.transaction() as tx:
        for sku, name, product, attributes, barcode in CATALOGUE:
            await tx.execute(
                sql("""
                WITH made AS (
                  INSERT INTO products (name, attributes, first_sku)
                  VALUES (%(product)s, %(attributes)s, %(sku)s) RETURNING id
                ), variant AS (
                  INSERT INTO product_variants (product_id, sku, name)
                  SELECT id, %(sku)s, %(name)s FROM made RETURNING id
                ) INSERT INTO barcodes (variant_id, code, kind) SELECT id, %(barcode)s, 'ean13' FROM variant
                """),
                {"sku": sku, "name": name, "product": product or name, "attributes": json.dumps(attributes),
                 "barcode": barcode},
            )  # fmt: skip
    return db


async def found(db: Database, q: str, **filters: int | bool) -> list[str]:
    """SKUs of the hits, best first."""
    return [hit.sku for hit in await hits(db, q, **filters)]


async def hits(db: Database, q: str, **filters: int | bool) -> list[SearchHit]:
    """What answers `q`."""
    return await search_variants(db, SYSTEM, q, filters=msgspec.convert(filters, SearchFilters))


@pytest.mark.parametrize(
    "q, sku",
    [
        ("TS-0001-RED", "TS-0001-RED"),
        ("ts0001red", "TS-0001-RED"),
        ("TS-0001-REF", "TS-0001-RED"),
        ("TS-001-RED", "TS-0001-RED"),
        ("TS-0001-RE", "TS-0001-RED"),
        ("4006381333931", "TS-0001-RED"),
        ("04006381333931", "TS-0001-RED"),
        ("4006381333391", "TS-0001-RED"),
        ("400638133394", "TS-0002-BLU"),
        ("wh-1000xm4", "WH-1000XM4"),
        ("wh1000xm5", "WH-1000XM4"),
        ("shirt red", "TS-0001-RED"),
        ("red shirt", "TS-0001-RED"),
        ("shirt bleu", "TS-0002-BLU"),
        ("shrit blue", "TS-0002-BLU"),
        ("glovess", "GLV-9"),
        ("gloes", "GLV-9"),
        ("glovws", "GLV-9"),
        ("protectvie nitrile", "GLV-9"),
        ("protec", "GLV-9"),
        ("nitrile pro", "GLV-9"),
        ("молоко топленое", "MLK-0500"),
        ("МОЛОКО ТОПЛЁНОЕ", "MLK-0500"),
        ("малоко топленое", "MLK-0500"),
        ("простаквашино", "MLK-0500"),
        ("молоко 500 мл", "MLK-0500"),
        ("молоко 500мл", "MLK-0500"),
        ("cafe creme", "CAF-7"),
        ("CAFÉ", "CAF-7"),
        ("cafe crmee", "CAF-7"),
        ("молоко отбронье", "MLK-1000"),
        ("shirt cotton", "TS-0001-RED"),
        ("coton", "TS-0001-RED"),
        ("кокакола", "COLA-33"),
        ("head phones noise", "WH-1000XM4"),
        ("gloves unheardof", "GLV-9"),
        ("gloves 5012345678900", "GLV-9"),
    ],
)
async def test_the_right_item_comes_first(shop: Database, q: str, sku: str) -> None:
    assert (await found(shop, q))[:1] == [sku]


@pytest.mark.parametrize("q", ["%", "_", "\\", "'", '"', "-- ;", "!!!", "😀", "🧤🧤", "zzzzzzzzzz", "&|!()<->:*"])
async def test_nothing_is_found_by_signs(shop: Database, q: str) -> None:
    assert await found(shop, q) == []


@pytest.mark.parametrize("q", ["", "  ", "a\x00b", "x" * 10_000, "a\ud800", "\x1b[0m"])
async def test_what_cannot_be_searched_is_refused(shop: Database, q: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        await search_variants(shop, SYSTEM, q)
    assert refused.value.field == "q"


@settings(max_examples=60, deadline=None)
@given(q=st.text(min_size=1, max_size=60))
async def test_any_text_is_answered(shop: Database, q: str) -> None:
    with contextlib.suppress(InvalidValue):
        assert len(await search_variants(shop, SYSTEM, q)) <= 20


async def test_codes_then_names_then_attributes(shop: Database) -> None:
    assert (await found(shop, "blue"))[:2] == ["TS-0002-BLU", "GLV-9"]
    code, *_ = await hits(shop, "ts-0002-blu")
    assert (code.score, code.matched[0].how, code.matched[0].where) == (2.0, "exact", "sku")
    typo, *_ = await hits(shop, "glowes")
    assert [(one.asked, one.found, one.how, one.where) for one in typo.matched] == [
        ("glowes", "gloves", "typo", "name")
    ]


async def test_filters(shop: Database) -> None:
    assert await found(shop, "shirt", owner=1) != []
    assert await found(shop, "shirt", owner=999) == []
    assert await found(shop, "TS-0001-RED", owner=999) == []
    assert await found(shop, "shirt", category=999) == []
    assert await found(shop, "shirt", active=False) == []


async def test_only_readers_of_items_search(shop: Database) -> None:
    nobody = Actor(person_id=9, name="nobody", role="viewer", permissions=frozenset())
    with pytest.raises(NotAllowed):
        await search_variants(shop, nobody, "shirt")


async def test_documents_follow_their_items(shop: Database) -> None:
    async def run(text: str) -> None:
        async with shop.transaction() as tx:
            await tx.execute(sql(text))

    await run("INSERT INTO products (name, first_sku) VALUES ('Kettle steel', 'KET-1')")
    await run("""INSERT INTO product_variants (product_id, sku, name)
                 SELECT id, 'KET-1', 'Kettle steel 2 l' FROM products WHERE first_sku = 'KET-1'""")
    assert await found(shop, "kettel") == ["KET-1"]
    await run("UPDATE products SET attributes = '{\"brand\": \"Zephyrus\"}' WHERE first_sku = 'KET-1'")
    assert await found(shop, "zephirus") == ["KET-1"]
    await run("UPDATE product_variants SET name = 'Samovar' WHERE sku = 'KET-1'")
    assert await found(shop, "samovra") == ["KET-1"]
    await run("UPDATE product_variants SET active = false WHERE sku = 'KET-1'")
    assert await found(shop, "samovar", active=True) == []
    assert await found(shop, "samovar", active=False) == ["KET-1"]
    await run("UPDATE products SET owner_id = 1, active = true, name = 'Urn' WHERE first_sku = 'KET-1'")
    assert await found(shop, "urn") == ["KET-1"]
    await run("DELETE FROM product_variants WHERE sku = 'KET-1'")
    assert await found(shop, "samovar") == []


async def test_writers_of_the_same_new_words_do_not_wait(shop: Database) -> None:
    """Two open transactions bring the same words in opposite order; the vocabulary is put right afterwards."""

    async def item(tx_number: int, names: list[str], met: asyncio.Barrier) -> None:
        async with shop.transaction() as tx:
            for number, name in enumerate(names):
                sku = f"NEW-{tx_number}-{number}"
                await tx.execute(
                    sql("""WITH p AS (INSERT INTO products (name, first_sku) VALUES (%(name)s, %(sku)s) RETURNING id)
                           INSERT INTO product_variants (product_id, sku, name) SELECT id, %(sku)s, %(name)s FROM p"""),
                    {"name": name, "sku": sku},
                )
                await met.wait()

    met = asyncio.Barrier(2)
    await asyncio.wait_for(
        asyncio.gather(item(1, ["quixotic", "yonder"], met), item(2, ["yonder", "quixotic"], met)), timeout=20
    )
    assert sorted(await found(shop, "quixotik")) == ["NEW-1-0", "NEW-2-1"]
    await refresh_vocabulary(shop)
    async with shop.transaction() as tx:
        counted = await tx.dicts(sql("SELECT word, documents FROM search_words WHERE word IN ('quixotic', 'samovar')"))
    assert counted == [{"word": "quixotic", "documents": 2}]
    assert await refresh_vocabulary(shop) == 0
    assert sorted(await found(shop, "quixotik")) == ["NEW-1-0", "NEW-2-1"]


# --- rules -----------------------------------------------------------------------------------------------------------


def slow_distance(one: str, other: str) -> int:
    """Optimal string alignment, as its definition is written."""
    if not one or not other:
        return max(len(one), len(other))
    costs = [
        slow_distance(one[1:], other) + 1,
        slow_distance(one, other[1:]) + 1,
        slow_distance(one[1:], other[1:]) + (one[0] != other[0]),
    ]
    if len(one) > 1 and len(other) > 1 and one[0] == other[1] and one[1] == other[0]:
        costs.append(slow_distance(one[2:], other[2:]) + 1)
    return min(costs)


@settings(max_examples=200, deadline=None)
@given(one=st.text("abc", max_size=5), other=st.text("abc", max_size=5))
def test_distance_is_optimal_string_alignment(one: str, other: str) -> None:
    assert rules.distance(one, other, 5) == slow_distance(one, other)
    assert rules.distance(one, other) == min(3, slow_distance(one, other))


@given(key=st.text("ABC123", min_size=4, max_size=10).filter(lambda key: not key.startswith("0")), data=st.data())
def test_codes_with_a_typo_are_among_the_neighbours(key: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(1, len(key) - 1))
    sign = data.draw(st.sampled_from("0189AZ"))
    head, tail = key[:place], key[place:]
    swapped = head[:-1] + tail[0] + head[-1] + tail[1:]
    wrong = data.draw(st.sampled_from([head + sign + tail, head + tail[1:], head + sign + tail[1:], swapped]))
    if any(map(str.isalpha, wrong)) or key.isdigit() or len(wrong) <= 8:
        assert wrong == key or key in rules.code_neighbours(wrong)
    assert len(rules.code_neighbours(key)) < 1000


@given(
    scores=st.lists(st.floats(0, 1).map(lambda score: round(score, 4)), max_size=12),
    readings=st.lists(st.sampled_from(["glove", "clove"]), min_size=12, max_size=12),
)
def test_readings_take_turns_and_none_is_lost(scores: list[float], readings: list[str]) -> None:
    ranked = {
        number: (score, [rules.Match(asked="lgove", found=reading, how="typo", where="name")])
        for number, (score, reading) in enumerate(zip(scores, readings, strict=False))
    }
    mixed = rules.mixed(ranked)
    assert mixed.keys() == ranked.keys()
    for number, (score, matched) in mixed.items():
        assert 0 <= ranked[number][0] - score <= 0.0601
        assert matched == ranked[number][1]
    for reading in {matched[0].found for _, matched in ranked.values()}:
        best = max(score for score, matched in ranked.values() if matched[0].found == reading)
        assert best in [score for score, matched in mixed.values() if matched[0].found == reading]


@given(words=st.lists(st.tuples(WORDS, st.lists(WORDS, max_size=3)), min_size=1, max_size=6))
def test_a_document_with_more_of_the_words_ranks_no_lower(words: list[tuple[str, list[str]]]) -> None:
    asked = [
        (word, [rules.Candidate(words=(other,), how="typo", quality=0.7, documents=1) for other in others])
        for word, others in words
    ]
    every = sorted({other for _, others in words for other in others})
    less, more = every[: len(every) // 2], every

    def score(held: list[str]) -> float:
        document = rules.Found(variant_id=1, active=True, name_words=["x"], words=held)
        return rules.rank(asked, document)[0]

    assert score(more) >= score(less)
    assert 0 <= score(more) <= 1
