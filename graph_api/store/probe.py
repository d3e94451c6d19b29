"""Asks a Bolt server who it is, and whether it answers yet; needs no schema and no pool."""

from dataclasses import dataclass

from neo4j import AsyncGraphDatabase
from neo4j.exceptions import AuthError, DriverError, Neo4jError

from graph_api.domain.errors import BadInput, UpstreamUnavailable


@dataclass(frozen=True)
class ServerFacts:
    """What a server says of itself."""

    agent: str
    protocol: str
    edition: str

    @property
    def is_arcadedb(self) -> bool:
        """It calls itself Neo4j for the sake of drivers, with its own name behind."""
        return "arcadedb" in self.agent.lower()


async def answers(
    url: str, user: str, *, password: str, database: str, timeout_s: float = 5.0
) -> bool:
    """Whether the database answers a statement now; a refused login is raised, not waited for."""
    try:
        await server_facts(url, user, password=password, database=database, timeout_s=timeout_s)
    except UpstreamUnavailable:
        return False
    return True


async def server_facts(
    url: str, user: str, *, password: str, database: str, timeout_s: float = 5.0
) -> ServerFacts:
    """The agent, Bolt version and edition of a server.

    Raises: UpstreamUnavailable when it does not answer, BadInput when it refuses the login.
    """
    try:
        async with AsyncGraphDatabase.driver(
            url,
            auth=(user, password),
            connection_timeout=timeout_s,
            connection_acquisition_timeout=timeout_s,
            max_transaction_retry_time=0,
        ) as driver:
            found = await driver.execute_query(
                "CALL dbms.components() YIELD edition RETURN edition", database_=database
            )
    except AuthError as error:
        raise BadInput(f"{url} refuses the login of user {user}.") from error
    except (Neo4jError, DriverError, OSError, ValueError) as error:
        raise UpstreamUnavailable(url, retry_after_s=1) from error
    server = found.summary.server
    return ServerFacts(
        agent=server.agent,
        protocol=".".join(str(part) for part in server.protocol_version),
        edition=found.records[0]["edition"] if found.records else "unknown",
    )
