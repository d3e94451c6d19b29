"""Seeded ERC-20 transfers in ethereum-etl's columns: few wallets move most, three are hubs."""

import csv
import random
from collections.abc import Iterator
from hashlib import blake2b
from itertools import accumulate
from pathlib import Path
from typing import Final

HUBS: Final = 3
_TO_HUB, _FROM_HUB = 0.08, 0.16
_SKEW: Final = 0.6
_FIRST_BLOCK, _FIRST_TIME, _BLOCK_S = 20_000_000, 1_717_280_000, 12
_TOKENS: Final = (
    ("USDC", 6, 40),
    ("USDT", 6, 30),
    ("WETH", 18, 15),
    ("DAI", 18, 10),
    ("WBTC", 8, 5),
)


def address(name: str) -> str:
    """An EVM address that stands for ``name``."""
    return "0x" + blake2b(name.encode(), digest_size=20).hexdigest()


def wallet(rank: int) -> str:
    """The address of the wallet of this rank; the first ``HUBS`` are hubs."""
    return address(f"wallet {rank}")


def write_transfers(folder: Path, *, transfers: int, wallets: int, seed: int = 7) -> list[Path]:
    """Write a file of tokens and one of transfers; the same arguments give the same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    tokens, moves = folder / "tokens.csv", folder / "token_transfers.csv"
    with tokens.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("address", "symbol", "name", "decimals", "total_supply"))
        for symbol, decimals, _ in _TOKENS:
            writer.writerow((address(symbol), symbol, f"{symbol} token", decimals, 10**28))
    with moves.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(
            (
                "token_address",
                "from_address",
                "to_address",
                "value",
                "transaction_hash",
                "log_index",
                "block_number",
                "block_timestamp",
            )
        )
        writer.writerows(_rows(transfers, wallets, random.Random(seed)))
    return [tokens, moves]


def _rows(transfers: int, wallets: int, chance: random.Random) -> Iterator[tuple[object, ...]]:
    busy = list(accumulate((rank + 1) ** -_SKEW for rank in range(wallets)))
    asked = list(accumulate(weight for *_, weight in _TOKENS))
    ranks = range(wallets)
    for number in range(transfers):
        sender, recipient = chance.choices(ranks, cum_weights=busy, k=2)
        side = chance.random()
        if side < _TO_HUB:
            recipient = chance.randrange(HUBS)
        elif side < _TO_HUB + _FROM_HUB:
            sender = chance.randrange(HUBS)
        if sender == recipient:
            recipient = (recipient + 1) % wallets
        symbol, decimals, _ = chance.choices(_TOKENS, cum_weights=asked)[0]
        block = number // 150
        # Two transfers of three share their transaction with the one before.
        digest = blake2b(b"transaction %d" % (number // 3), digest_size=32).hexdigest()
        yield (
            address(symbol),
            wallet(sender),
            wallet(recipient),
            round(chance.paretovariate(1.2) * 10**decimals),
            f"0x{digest}",
            number % 150,
            _FIRST_BLOCK + block,
            _FIRST_TIME + block * _BLOCK_S,
        )
