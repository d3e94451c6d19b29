"""Names of UTXO transactions and outputs, and the addresses of scripts."""

import pytest

from graph_api.domain.addresses import normal_address
from graph_api.domain.chains import chain_of
from graph_api.domain.errors import BadInput
from graph_api.domain.ids import (
    chain_of_id,
    output_id,
    parse_transaction,
    spent_output_id,
    transaction_id,
    utxo_transaction_id,
)
from graph_api.domain.positions import transfer_id
from graph_api.domain.scripts import address_of_script, is_key_script

BITCOIN = chain_of("bitcoin")
REPEATED = "d5d27987d2a3dfc724e359870c6644b40e497bdc0589a033220fe15429d88599"
GENESIS_KEY = (
    "04678afdb0fe5548271967f1a67130b7105cd6a828e03909a67962e0ea1f61deb6"
    "49f6bc3f4cef38c4f35504e51ec112de5c384df7ba0b8d578a4c702b6bf11d5f"
)
KEY_HASH = "751e76e8199196d454941c45d1b3a323f1433bd6"


def test_only_the_second_of_a_repeated_coinbase_is_named_by_its_block() -> None:
    first = utxo_transaction_id(BITCOIN, REPEATED, 91812)
    second = utxo_transaction_id(BITCOIN, REPEATED, 91842)

    assert first == f"{BITCOIN.id}:{REPEATED}"
    assert second == f"{BITCOIN.id}:{REPEATED}@91842"
    assert output_id(second, 0) == f"{BITCOIN.id}:{REPEATED}@91842:0"
    assert transfer_id(second, "out:0") == f"{BITCOIN.id}:{REPEATED}@91842:out:0"
    assert chain_of_id(second) is BITCOIN


def test_a_spend_of_a_repeated_coinbase_means_the_one_that_counts() -> None:
    assert spent_output_id(BITCOIN, REPEATED, 0) == f"{BITCOIN.id}:{REPEATED}@91842:0"
    assert spent_output_id(BITCOIN, "ab" * 32, 3) == f"{BITCOIN.id}:{'ab' * 32}:3"


def test_a_repeated_coinbase_can_be_asked_for() -> None:
    assert parse_transaction(f"bitcoin:{REPEATED.upper()}@91842") == (
        f"{BITCOIN.id}:{REPEATED}@91842"
    )


@pytest.mark.parametrize("text", [f"{REPEATED}@91843", f"{'ab' * 32}@91842", f"{REPEATED}@"])
def test_other_transactions_carry_no_block(text: str) -> None:
    with pytest.raises(BadInput, match="no repeat"):
        transaction_id(BITCOIN, text)


# The genesis coinbase, and the example key and programs of BIP-173 and BIP-350.
@pytest.mark.parametrize(
    ("script", "address"),
    [
        (f"41{GENESIS_KEY}ac", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"),
        (f"76a914{KEY_HASH}88ac", "1BgGZ9tcN4rm9KBzDn7KprQz87SZ26SAMH"),
        (f"0014{KEY_HASH}".upper(), "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"),
        ("6002751e", "bc1sw50qgdz25j"),
        (
            "5120" + "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798",
            "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0",
        ),
    ],
)
def test_a_script_pays_to_its_address(script: str, address: str) -> None:
    assert address_of_script(script) == address
    assert normal_address(BITCOIN, address) == address


def test_a_script_hash_pays_to_an_address_with_three() -> None:
    address = address_of_script(f"a914{KEY_HASH}87")

    assert address is not None
    assert address.startswith("3")
    assert normal_address(BITCOIN, address) == address


@pytest.mark.parametrize(
    "script",
    [
        "",
        "6a0b68656c6c6f20776f726c64",
        f"5121{'02' + 'ab' * 32}21{'03' + 'cd' * 32}52ae",
        f"0015{KEY_HASH}00",
        f"0014{KEY_HASH}00",
    ],
)
def test_data_bare_multisig_and_odd_scripts_have_no_address(script: str) -> None:
    assert address_of_script(script) is None


def test_key_scripts_are_told_apart() -> None:
    assert is_key_script(f"41{GENESIS_KEY}ac")
    assert not is_key_script(f"76a914{KEY_HASH}88ac")
