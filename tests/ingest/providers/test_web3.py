"""web3.py asks through the pool: failover and errors are the pool's."""

import subprocess
import sys

import pytest

from ingest.providers.endpoints import Endpoints, EndpointSettings
from ingest.providers.web3_provider import Web3RPCError, web3_of
from tests.ingest.providers.serving import served
from tests.ingest.sources.evm_chain import Chain, data_of
from tests.real.solidity import compiled

pytest_plugins = ["tests.ingest.sources.evm_fixtures"]


async def test_calls_by_hand_go_to_the_endpoint_that_answers(chain: Chain) -> None:
    types = ["string", "string", "uint256"]
    coin = await chain.deploy("Coin", types, "Test coin", "TST", 12)

    async def never(_: str, __: object) -> None:
        raise AssertionError

    async with served(never) as broken:
        broken.status = (500, {})
        settings = [EndpointSettings(url=url) for url in (broken.url, chain.node.url)]
        pool = Endpoints.open("Ethereum", settings)
        web3 = web3_of(pool)
        contract = web3.eth.contract(web3.to_checksum_address(coin), abi=compiled()["Coin"].abi)

        assert await web3.eth.chain_id == 1
        assert await contract.functions.symbol().call() == "TST"
        assert await contract.functions.totalSupply().call() == 12
        with pytest.raises(Web3RPCError):
            await web3.manager.coro_request("eth_noSuchMethod", [])  # type: ignore[arg-type]
        assert [one.state for one in pool.status()] == ["resting", "healthy"]
        await pool.close()

    assert data_of("symbol()") == "0x95d89b41"


def test_python_keeps_its_recursion_limit() -> None:
    program = (
        "import sys; before = sys.getrecursionlimit(); import ingest.providers.web3_provider; "
        "print(before == sys.getrecursionlimit(), 'py_ecc' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "True True\n", done.stderr
