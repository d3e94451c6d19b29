"""An EVM chain as a plain table of transfers: what many people have instead of an export."""

from collections import Counter
from pathlib import Path
from typing import Final

from eth_utils.address import to_checksum_address

from deskgraph.sample import cast
from deskgraph.sample.agenda import Agenda
from deskgraph.sample.files import Table
from graph_api.domain.addresses import ZERO_EVM

_BLOCK_S: Final = 2
_COLUMNS: Final = "chain hash log_index block time from to token symbol decimals value"
_SYMBOL, _DECIMALS = "USDC", 6


class PlainChain:
    """One stable coin on Polygon: minted by the bridge, paid around, burned to go back.

    Addresses are written in the EIP-55 form, as explorers do.
    """

    def __init__(self, folder: Path, agenda: Agenda, *, seed: int, first_block: int) -> None:
        self._agenda, self._seed, self._first_block = agenda, seed, first_block
        self._table = Table(folder / "transfers.csv", _COLUMNS)
        self._made = 0
        self.paths = [self._table.path]
        self.held: Counter[str] = Counter()

    def move(self, sender: str, recipient: str, amount: int) -> str | None:
        """A payment; the zero address mints and burns. None where the sender has not enough."""
        if amount <= 0 or (sender != ZERO_EVM and self.held[sender] < amount):
            return None
        if sender != ZERO_EVM:
            self.held[sender] -= amount
        if recipient != ZERO_EVM:
            self.held[recipient] += amount
        passed = (self._agenda.now - self._agenda.opens_at) // _BLOCK_S
        self._made += 1
        digest = "0x" + cast.digest(self._seed, f"polygon transaction {self._made}").hex()
        self._table.add(
            "polygon",
            digest,
            self._made * 7 % 400,
            self._first_block + passed,
            self._agenda.opens_at + passed * _BLOCK_S,
            to_checksum_address(sender),
            to_checksum_address(recipient),
            to_checksum_address(cast.address(self._seed, "polygon stable coin")),
            _SYMBOL,
            _DECIMALS,
            amount,
        )
        return digest

    def close(self) -> None:
        self._table.close()
