"""The ledger's look-ups: names in any form, ids that come back, one statement for each level."""

import pytest

from graph_api.store.graph import Graph
from tests import given
from tests.given import Ledger, address, wallet
from tests.schema.asking import answer, ask


@pytest.fixture
async def paid(ledger: Ledger) -> Graph:
    """A graph with two wallets and ether that moved between them."""
    await ledger.write(given.transaction("alice", "desk", tx="a"))
    return ledger.graph


@pytest.mark.parametrize(
    "by",
    [
        f'{{accountId: "eip155:1:{address("alice")}"}}',
        f'{{accountId: "ethereum:0x{address("alice")[2:].upper()}"}}',
        f'{{account: {{chain: "ETH", address: "{address("alice")}"}}}}',
    ],
)
async def test_a_wallet_is_found_by_any_of_its_names(paid: Graph, by: str) -> None:
    data = await ask(paid, f"{{ wallet(by: {by}) {{ accountId transfersOut chain {{ slug }} }} }}")

    assert data["wallet"] == {
        "accountId": wallet("alice"),
        "transfersOut": 1,
        "chain": {"slug": "ethereum"},
    }


async def test_what_is_not_there_is_null(paid: Graph) -> None:
    data = await ask(
        paid,
        """query ($wallet: AccountId!, $token: TokenId!) {
          wallet(by: {accountId: $wallet}) { accountId }
          token(by: {tokenId: $token}) { tokenId }
        }""",
        wallet=wallet("nobody"),
        token=given.erc20("nothing"),
    )

    assert data == {"wallet": None, "token": None}


@pytest.mark.parametrize(
    "field",
    [
        'wallet(by: {accountId: "0xabc"}) { accountId }',
        'wallet(by: {accountId: "ethereum:0xabc"}) { accountId }',
        'wallet(by: {accountId: "dogecoin:0xabc"}) { accountId }',
        'wallet(by: {accountId: "ethereum:0xD8dA6BF26964aF9D7eEd9e03E53415D37aA9604f"}) {id}',
        "wallet(by: {}) { accountId }",
        "wallet(by: {accountId: 7}) { accountId }",
        'wallet(by: {accountId: null, account: {chain: "eth", address: "0x"}}) { id }',
        'token(by: {nativeOf: "nowhere"}) { tokenId }',
        'node(id: "abc") { id }',
        'nodes(ids: ["V2FsbGV0", "x"]) { id }',
        'chain(id: "nowhere") { slug }',
    ],
)
async def test_what_cannot_be_is_bad_input(paid: Graph, field: str) -> None:
    found = await answer(paid, f"{{ {field} }}")

    assert found.codes == ["BAD_INPUT"]
    assert found.statements == []


async def test_ids_come_back_as_the_same_objects(paid: Graph) -> None:
    first = await ask(
        paid,
        """query ($wallet: AccountId!) {
          wallet(by: {accountId: $wallet}) { id chain { id nativeToken { id } } }
        }""",
        wallet=wallet("alice"),
    )
    ids = [
        first["wallet"]["id"],
        first["wallet"]["chain"]["id"],
        first["wallet"]["chain"]["nativeToken"]["id"],
    ]

    found = await answer(
        paid,
        """query ($ids: [ID!]!, $id: ID!) {
          node(id: $id) { __typename }
          nodes(ids: $ids) {
            id __typename
            ... on Wallet { accountId } ... on Chain { slug } ... on Token { symbol }
          }
        }""",
        ids=ids,
        id=ids[0],
    )

    assert found.errors == []
    assert [node["id"] for node in found.data["nodes"]] == ids
    assert [node["__typename"] for node in found.data["nodes"]] == ["Wallet", "Chain", "Token"]
    assert found.data["nodes"][2]["symbol"] == "ETH"


async def test_chains_are_counted(paid: Graph) -> None:
    data = await ask(paid, '{ chains { slug } chain(id: "Eth") { chainId transfers wallets } }')

    assert data["chain"] == {"chainId": "eip155:1", "transfers": "1", "wallets": "2"}
    assert {"slug": "bitcoin"} in data["chains"]


async def test_aliases_of_a_look_up_share_one_statement(paid: Graph) -> None:
    found = await answer(
        paid,
        """query ($a: AccountId!, $b: AccountId!) {
          a: wallet(by: {accountId: $a}) { chain { nativeToken { symbol } } }
          b: wallet(by: {accountId: $b}) { chain { nativeToken { symbol } } }
        }""",
        a=wallet("alice"),
        b=wallet("desk"),
    )

    assert found.data["a"] == found.data["b"] == {"chain": {"nativeToken": {"symbol": "ETH"}}}
    assert len(found.statements) == 3
