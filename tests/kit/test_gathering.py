"""Work that arrives one by one is done in groups."""

import asyncio

import pytest

from perpetua.kit.gathering import Gathering


async def test_who_is_there_goes_together_up_to_the_weight() -> None:
    groups: list[list[int]] = []
    open_ = asyncio.Event()

    async def act(asked: list[int]) -> list[int]:
        groups.append(asked)
        await open_.wait()
        return [one * 10 for one in asked]

    gathering = Gathering(act, most=3, weigh=lambda one: 1 if one < 9 else 5)
    asked = [asyncio.create_task(gathering.ask(one)) for one in (1, 2, 3, 9, 4)]
    while not groups:
        await asyncio.sleep(0)
    open_.set()
    assert await asyncio.gather(*asked) == [10, 20, 30, 90, 40]
    assert groups == [[1, 2, 3], [9], [4]]
    assert await gathering.ask(5) == 50


async def test_who_comes_to_an_idle_one_goes_alone_and_who_comes_meanwhile_goes_next() -> None:
    groups: list[list[int]] = []
    open_ = asyncio.Event()

    async def act(asked: list[int]) -> list[int]:
        groups.append(asked)
        await open_.wait()
        return asked

    gathering = Gathering(act, most=9)
    first = asyncio.create_task(gathering.ask(1))
    while not groups:
        await asyncio.sleep(0)
    rest = [asyncio.create_task(gathering.ask(one)) for one in (2, 3)]
    await asyncio.sleep(0)
    open_.set()
    assert await asyncio.gather(first, *rest) == [1, 2, 3]
    assert groups == [[1], [2, 3]]


async def test_a_failure_is_told_to_its_group_alone() -> None:
    async def act(asked: list[int]) -> list[int]:
        if 0 in asked:
            raise ZeroDivisionError
        return asked

    gathering = Gathering(act, most=1)
    said = await asyncio.gather(*(gathering.ask(one) for one in (1, 0, 2)), return_exceptions=True)
    assert said[0] == 1
    assert isinstance(said[1], ZeroDivisionError)
    assert said[2] == 2


async def test_who_hangs_up_takes_nobody_along() -> None:
    open_ = asyncio.Event()
    done: list[int] = []

    async def act(asked: list[int]) -> list[int]:
        await open_.wait()
        done.extend(asked)
        return asked

    gathering = Gathering(act, most=10)
    first, second = (asyncio.create_task(gathering.ask(one)) for one in (1, 2))
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    open_.set()
    assert await second == 2
    assert done == [1, 2]
