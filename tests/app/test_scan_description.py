"""What a scan tells of a GS1 code is as the API describes it, for every application identifier."""

from typing import Any

import jsonschema_rs
from hypothesis import given, settings
from hypothesis import strategies as st
from litestar import Litestar
from tests.gs1.values import TODAY, values

from perpetua.gs1.service import IDENTIFIERS, element_string, elements_of
from perpetua.items import service as items
from perpetua.kit import json
from perpetua.scanning.service.understanding import reading_of


def test_elements_are_as_described(app: Litestar) -> None:
    described: dict[str, Any] = app.openapi_schema.to_schema()
    reading = {"$ref": "#/components/schemas/Reading", "components": described["components"]}
    check = jsonschema_rs.validator_for(reading)
    kinds: set[str] = set()

    @settings(max_examples=300, deadline=None)
    @given(st.sampled_from(sorted(IDENTIFIERS)).flatmap(lambda ai: st.tuples(st.just(ai), values(ai))))
    def holds(pair: tuple[str, str]) -> None:
        code = "]C1" + element_string(elements_of([pair], today=TODAY, complete=False))
        told = json.loads(json.dumps(reading_of(items.read_scan(code, today=TODAY))))
        check.validate(told)
        kinds.add(told["elements"][0]["meaning"]["kind"])

    holds()
    assert len(kinds) > 8
