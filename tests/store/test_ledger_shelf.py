"""The writer's copy of totals: bounded, and free of what was never committed."""

import msgspec

from graph_api.store.ledger.shelf import Shelf


class Count(msgspec.Struct):
    id: str
    value: int = 0


class Table:
    """What is stored, and how often it was asked for."""

    def __init__(self) -> None:
        self.rows: dict[str, Count] = {}
        self.asked: list[str] = []

    async def load(self, ids: list[str]) -> dict[str, Count]:
        self.asked += ids
        return {key: msgspec.structs.replace(self.rows[key]) for key in ids if key in self.rows}


async def test_no_more_is_kept_than_fits_and_the_rest_is_read_again() -> None:
    table, shelf = Table(), Shelf(Count, capacity=3)
    for number in range(10):
        await shelf.fetch([str(number)], table.load)
        shelf[str(number)].value = number
        table.rows[str(number)] = msgspec.structs.replace(shelf[str(number)])
        shelf.commit()
    table.asked.clear()

    await shelf.fetch(map(str, range(10)), table.load)

    assert table.asked == [str(number) for number in range(7)]
    assert [shelf[str(number)].value for number in range(10)] == list(range(10))


async def test_a_change_that_was_not_committed_leaves_no_trace() -> None:
    table, shelf = Table(), Shelf(Count, capacity=3)
    table.rows["a"] = Count("a", 5)
    await shelf.fetch(["a"], table.load)
    shelf.commit()

    await shelf.fetch(["a", "new"], table.load)
    shelf["a"].value, shelf["new"].value = 6, 7
    shelf.rollback()
    await shelf.fetch(["a", "new"], table.load)

    assert (shelf["a"].value, shelf["new"].value) == (5, 0)
    assert shelf.fresh == {"new"}


async def test_what_was_deleted_is_looked_up_again() -> None:
    table, shelf = Table(), Shelf(Count, capacity=3)
    table.rows["a"] = Count("a", 5)
    await shelf.fetch(["a"], table.load)
    shelf.forget("a")
    del table.rows["a"]
    shelf.commit()

    await shelf.fetch(["a"], table.load)

    assert (shelf["a"].value, shelf.fresh) == (0, {"a"})
