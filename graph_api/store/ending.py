"""Ends what an engine goes on with although nobody waits for it any more.

Neo4j ends a question when its connection is reset. The embedded engine reads the reset only after
the answer, so it is told on another connection.
"""

import asyncio
import re
from typing import Final

import neo4j
import structlog
from neo4j.exceptions import DriverError, Neo4jError

log = structlog.get_logger("graph_api.store")

_TRANSACTION: Final = re.compile(r"[\w-]{1,64}")


class Ender:
    """Ends the questions of connections, which the engine knows by where they come from."""

    def __init__(self, driver: neo4j.AsyncDriver, *, database: str) -> None:
        self._driver, self._database = driver, database
        self._ending: set[asyncio.Task[None]] = set()

    def end(self, client: str) -> None:
        """Begin to end what was asked from ``client``, such as ``127.0.0.1:40100``."""
        task = asyncio.get_running_loop().create_task(self._end(client))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def close(self) -> None:
        """Wait until everything is ended."""
        await asyncio.gather(*self._ending)

    async def _end(self, client: str) -> None:
        try:
            async with self._driver.session(database=self._database) as session:
                result = await session.run("SHOW TRANSACTIONS")
                for row in [row.data() async for row in result]:
                    name, asker = str(row.get("transactionId")), str(row.get("clientAddress"))
                    if asker.lstrip("/") == client and _TRANSACTION.fullmatch(name):
                        await session.run(f"TERMINATE TRANSACTION '{name}'")
                        log.info("question_ended", transaction=name)
        except (DriverError, Neo4jError) as error:
            # It ends by itself when the time of a question is over.
            log.info("question_not_ended", exc_info=error)
