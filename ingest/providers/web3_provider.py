"""web3.py over the pool: calls by hand, in its words, with our failover and limits."""

import sys
from typing import Any, Final

# One of web3.py's libraries raises Python's recursion limit a hundredfold when it is imported, and
# every reader of nested text that counts on the limit then overflows the stack instead.
_LIMIT: Final = sys.getrecursionlimit()
from web3 import AsyncBaseProvider, AsyncWeb3  # noqa: E402
from web3.exceptions import Web3RPCError as Web3RPCError  # noqa: E402
from web3.types import RPCEndpoint, RPCResponse  # noqa: E402

sys.setrecursionlimit(_LIMIT)

from ingest.providers.endpoints import Endpoint, Endpoints  # noqa: E402
from ingest.providers.faults import Overloaded  # noqa: E402
from ingest.providers.rpc import Call, RpcError  # noqa: E402


class PoolProvider(AsyncBaseProvider):
    """A provider of web3.py that asks the best endpoint of a pool, and the next one if need be."""

    def __init__(self, endpoints: Endpoints) -> None:
        super().__init__()
        self._endpoints = endpoints

    async def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        """The answer or error of a node. Raises: NoEndpoint."""

        async def ask(endpoint: Endpoint) -> Any:
            (answer,) = await endpoint.batch([Call(method, params)], _ANY)
            if isinstance(answer, RpcError) and answer.limits_rate:
                raise Overloaded(f"It limits requests: {answer.message[:200]}")
            return answer

        answer = await self._endpoints.ask(ask)
        if isinstance(answer, RpcError):
            error = {"code": answer.code, "message": answer.message}
            return {"jsonrpc": "2.0", "id": 1, "error": error}  # type: ignore[typeddict-item]
        return {"jsonrpc": "2.0", "id": 1, "result": answer}

    async def is_connected(self, show_traceback: bool = False) -> bool:
        """Whether any endpoint can be asked."""
        return bool(self._endpoints.usable())


_ANY: Any = Any


def web3_of(endpoints: Endpoints) -> AsyncWeb3[PoolProvider]:
    """web3.py on a pool, for calls that are made by hand."""
    return AsyncWeb3(PoolProvider(endpoints))
