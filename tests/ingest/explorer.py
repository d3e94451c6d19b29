"""An explorer on the loopback that answers as Etherscan does, of what a real node has."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from deskgraph.engines.ports import LOOPBACK
from tests.real.anvil import Anvil

KEY = "a-key-of-ours"
NOTHING = {"status": "0", "message": "No transactions found", "result": []}
_TOPICS = ("topic0", "topic1", "topic2")


class Explorer:
    """What it was asked, and what it refuses with; a test changes it as it goes."""

    def __init__(self, node: Anvil | None) -> None:
        self._node = node
        self.url = ""
        self.asked: list[dict[str, str]] = []
        #: What it says to the next requests instead.
        self.says: list[Any] = []

    async def answer(self, request: Request) -> Response:
        """Answer one request."""
        asked = dict(request.query_params)
        self.asked.append(asked)
        if self.says:
            said = self.says.pop(0)
            return said if isinstance(said, Response) else JSONResponse(said)
        if asked.get("apikey") != KEY:
            return JSONResponse(_refusal(f"Invalid API Key (#err2)|{asked.get('apikey')}"))
        return JSONResponse(await self._answer(asked))

    async def _answer(self, asked: dict[str, str]) -> Any:
        assert self._node is not None
        match asked["action"]:
            case "eth_blockNumber":
                height = await self._node.call("eth_blockNumber")
                return {"jsonrpc": "2.0", "id": 83, "result": height}
            case "txlist":
                return _page(asked, await self._transactions(asked))
            case "txlistinternal":
                return _page(asked, await self._internal(asked))
            case "tokentx":
                return _page(asked, await self._tokens(asked))
            case "getLogs":
                return _rows(asked, await self._logs(asked))
        return _refusal("Error! Unknown Action")

    async def _transactions(self, asked: dict[str, str]) -> list[dict[str, str]]:
        assert self._node is not None
        rows = []
        for number in range(int(asked["startblock"]), int(asked["endblock"]) + 1):
            block = await self._node.call("eth_getBlockByNumber", hex(number), True)
            for sent in block["transactions"]:
                receipt = await self._node.call("eth_getTransactionReceipt", sent["hash"])
                if asked["address"] not in (sent["from"], sent["to"], receipt["contractAddress"]):
                    continue
                rows.append(
                    {
                        "blockNumber": _number(block["number"]),
                        "timeStamp": _number(block["timestamp"]),
                        "hash": sent["hash"],
                        "nonce": _number(sent["nonce"]),
                        "blockHash": block["hash"],
                        "transactionIndex": _number(sent["transactionIndex"]),
                        "from": sent["from"],
                        "to": sent["to"] or "",
                        "value": _number(sent["value"]),
                        "gas": _number(sent["gas"]),
                        "gasPrice": _number(receipt["effectiveGasPrice"]),
                        "isError": "0" if receipt["status"] == "0x1" else "1",
                        "txreceipt_status": _number(receipt["status"]),
                        "input": sent["input"],
                        "contractAddress": receipt["contractAddress"] or "",
                        "gasUsed": _number(receipt["gasUsed"]),
                        "methodId": sent["input"][:10],
                    }
                )
        return rows

    async def _internal(self, asked: dict[str, str]) -> list[dict[str, str]]:
        assert self._node is not None
        rows = []
        for number in range(int(asked["startblock"]), int(asked["endblock"]) + 1):
            block = await self._node.call("eth_getBlockByNumber", hex(number), False)
            for trace in await self._node.call("trace_block", hex(number)):
                action = trace["action"]
                if asked["address"] not in (action.get("from"), action.get("to")):
                    continue
                if not trace["traceAddress"] or not int(action.get("value", "0x0"), 16):
                    continue
                rows.append(
                    {
                        "blockNumber": str(number),
                        "timeStamp": _number(block["timestamp"]),
                        "hash": trace["transactionHash"],
                        "from": action["from"],
                        "to": action["to"],
                        "value": _number(action["value"]),
                        "contractAddress": "",
                        "type": trace["type"],
                        "traceId": "_".join(map(str, trace["traceAddress"])),
                        "isError": "0",
                    }
                )
        return rows

    async def _tokens(self, asked: dict[str, str]) -> list[dict[str, str]]:
        assert self._node is not None
        span = {"fromBlock": asked["startblock"], "toBlock": asked["endblock"]}
        moved = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
        rows = []
        for log in await self._logs(span | {"topic0": moved}):
            if not any(topic.endswith(asked["address"][2:]) for topic in log["topics"][1:]):
                continue
            name, symbol, decimals = [
                await self._node.call("eth_call", {"to": log["address"], "data": data}, "latest")
                for data in ("0x06fdde03", "0x95d89b41", "0x313ce567")
            ]
            rows.append(
                {
                    "blockNumber": _number(log["blockNumber"]),
                    "timeStamp": _number(log["timeStamp"]),
                    "hash": log["transactionHash"],
                    "contractAddress": log["address"],
                    "tokenName": _text(name),
                    "tokenSymbol": _text(symbol),
                    "tokenDecimal": _number(decimals),
                }
            )
        return rows

    async def _logs(self, asked: dict[str, str]) -> list[dict[str, Any]]:
        assert self._node is not None
        wanted = [asked.get(name) for name in _TOPICS]
        asking = {
            "fromBlock": hex(int(asked["fromBlock"])),
            "toBlock": hex(int(asked["toBlock"])),
            "topics": wanted,
        }
        if "address" in asked:
            asking["address"] = asked["address"]
        found = []
        for log in await self._node.call("eth_getLogs", asking):
            block = await self._node.call("eth_getBlockByNumber", log["blockNumber"], False)
            # Etherscan writes 0 as an empty number.
            index = "0x" if log["logIndex"] == "0x0" else log["logIndex"]
            found.append(log | {"timeStamp": block["timestamp"], "logIndex": index})
        return found


def _page(asked: dict[str, str], rows: list[dict[str, str]]) -> Any:
    """Newest first, as ``sort=desc`` has it."""
    assert asked["sort"] == "desc"
    return _rows(asked, sorted(rows, key=lambda row: -int(row["blockNumber"])))


def _rows(asked: dict[str, str], rows: list[Any]) -> Any:
    size, page = int(asked["offset"]), int(asked["page"])
    found = rows[(page - 1) * size : page * size]
    return {"status": "1", "message": "OK", "result": found} if found else NOTHING


def _refusal(said: str) -> Any:
    return {"status": "0", "message": "NOTOK", "result": said}


def _number(text: str) -> str:
    return str(int(text, 16))


def _text(data: str) -> str:
    size = int(data[66:130], 16)
    return bytes.fromhex(data[130 : 130 + 2 * size]).decode()


@asynccontextmanager
async def exploring(node: Anvil | None = None) -> AsyncIterator[Explorer]:
    """An explorer on a free port while the block lasts."""
    explorer = Explorer(node)
    app = Starlette(routes=[Route("/api", explorer.answer)])
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off"))
    with socket.create_server((LOOPBACK, 0)) as listening:
        explorer.url = f"http://{LOOPBACK}:{listening.getsockname()[1]}/api?apikey={KEY}"
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        try:
            yield explorer
        finally:
            server.should_exit = True
            await serving
