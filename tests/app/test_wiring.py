"""How the application is put together."""

from typing import Any

from perpetua.app.settings import Settings
from perpetua.app.web import create_app
from perpetua.kit.database import Database


async def test_no_handler_is_given_its_things_by_a_task_group(settings: Settings, db: Database) -> None:
    routes: list[Any] = create_app(settings, db).routes
    models = [model for route in routes for _, model in getattr(route, "route_handler_map", {}).values()]
    batches = [batch for model in models for batch in model.dependency_batches]
    assert len(batches) > 100
    assert {len(batch) for batch in batches} == {1}
