"""What typed text may name: ids and addresses in any form, on every chain that has such."""

import pytest

from graph_api.domain.chains import EVM_CHAINS
from graph_api.domain.naming import Named, named
from tests.given import address, hash_of

BITCOIN = "bip122:000000000019d6689c085ae165831e93"
GENESIS = "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"


@pytest.mark.parametrize(
    "text",
    [
        address("desk"),
        address("desk").upper().replace("X", "x"),
        address("desk")[2:],
        f"  {address('desk')[:20]}{address('desk')[20:].upper()} ",
    ],
)
def test_an_evm_address_is_one_on_every_evm_chain_in_any_letter_case(text: str) -> None:
    found = named(text)

    assert found.accounts == tuple(f"{chain.id}:{address('desk')}" for chain in EVM_CHAINS)
    assert found.tokens[0] == f"eip155:1/erc20:{address('desk')}"
    assert found.whole


@pytest.mark.parametrize(
    ("text", "account"),
    [
        (f"ethereum:{address('desk')}", f"eip155:1:{address('desk')}"),
        (f"eip155:137:{address('desk')}", f"eip155:137:{address('desk')}"),
        (GENESIS, f"{BITCOIN}:{GENESIS}"),
        (
            "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4",
            f"{BITCOIN}:bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
        ),
    ],
)
def test_other_names_mean_one_account(text: str, account: str) -> None:
    assert named(text).accounts == (account,)


def test_a_hash_may_be_of_any_chain_that_has_such_hashes() -> None:
    assert named(hash_of("a").upper().replace("X", "x")).transactions[:1] == (
        f"eip155:1:{hash_of('a')}",
    )
    bare = named(hash_of("a")[2:])
    assert f"{BITCOIN}:{hash_of('a')[2:]}" in bare.transactions
    assert f"eip155:1:{hash_of('a')}" in bare.transactions


def test_a_beginning_is_one_of_addresses_and_of_hashes() -> None:
    found = named("0x28C6c0")

    assert "eip155:1:0x28c6c0" in found.wallets_from
    assert "eip155:1:0x28c6c0" in found.transactions_from
    assert not found.whole
    # Longer than an address, it can only be a hash.
    assert named(hash_of("a")[:50]).wallets_from == ()
    assert f"{BITCOIN}:1A1zP1" in named("1A1zP1").wallets_from


@pytest.mark.parametrize("text", ["", "desk", "0x1", "Binance: Hot Wallet", "🚀", "a/b", ":"])
def test_words_name_nothing(text: str) -> None:
    assert named(text) == Named()
