"""A Bitcoin chain of our own making, and a node that serves it over JSON-RPC.

Transactions are serialised and blocks mined here, by the rules and without the code under test;
the work is that of a test network, so that a few hashes find a block.
"""

import hashlib
from dataclasses import dataclass, field
from typing import Any

from tests.ingest.sources.json_rpc import Refusal

GENESIS = "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f"
EASY = 0x207FFFFF
COIN = 10**8
P2PKH = "76a914" + "11" * 20 + "88ac"


def double(data: bytes) -> bytes:
    return hashlib.sha256(hashlib.sha256(data).digest()).digest()


def varint(number: int) -> bytes:
    if number < 0xFD:
        return number.to_bytes(1, "little")
    return b"\xfd" + number.to_bytes(2, "little")


@dataclass(frozen=True)
class Made:
    """One transaction: what it spends as (txid, number), what it pays as (satoshi, script)."""

    spends: tuple[tuple[str, int], ...]
    pays: tuple[tuple[int, str], ...]
    note: bytes = b""
    witnesses: tuple[bytes, ...] = ()

    @property
    def body(self) -> bytes:
        inputs = self.spends or (("0" * 64, 0xFFFFFFFF),)
        return b"".join(
            (
                varint(len(inputs)),
                *(
                    bytes.fromhex(txid)[::-1]
                    + number.to_bytes(4, "little")
                    + varint(len(self.note))
                    + self.note
                    + b"\xff\xff\xff\xff"
                    for txid, number in inputs
                ),
                varint(len(self.pays)),
                *(
                    amount.to_bytes(8, "little") + varint(len(script) // 2) + bytes.fromhex(script)
                    for amount, script in self.pays
                ),
            )
        )

    @property
    def txid(self) -> str:
        return double(b"\x02\0\0\0" + self.body + b"\0\0\0\0")[::-1].hex()

    @property
    def whole(self) -> bytes:
        if not self.witnesses:
            return b"\x02\0\0\0" + self.body + b"\0\0\0\0"
        stack = varint(len(self.witnesses)) + b"".join(
            varint(len(item)) + item for item in self.witnesses
        )
        stacks = stack * len(self.spends)
        return b"\x02\0\0\0\0\x01" + self.body + stacks + b"\0\0\0\0"


@dataclass(frozen=True)
class Mined:
    """A block with its number."""

    height: int
    parent: str
    time: int
    made: tuple[Made, ...]
    nonce: int
    hash: str

    @property
    def root(self) -> str:
        row = [bytes.fromhex(made.txid)[::-1] for made in self.made]
        while len(row) > 1:
            row += row[-1:] * (len(row) % 2)
            row = [double(a + b) for a, b in zip(row[::2], row[1::2], strict=True)]
        return row[0][::-1].hex()

    @property
    def head(self) -> bytes:
        return b"".join(
            (
                (2).to_bytes(4, "little"),
                bytes.fromhex(self.parent)[::-1],
                bytes.fromhex(self.root)[::-1],
                self.time.to_bytes(4, "little"),
                EASY.to_bytes(4, "little"),
                self.nonce.to_bytes(4, "little"),
            )
        )


def mine(height: int, parent: str, made: list[Made], *, time: int) -> Mined:
    nonce = 0
    while True:
        block = Mined(height, parent, time, tuple(made), nonce, "")
        digest = double(block.head)[::-1]
        if digest[0] < 0x7F:
            return Mined(height, parent, time, tuple(made), nonce, digest.hex())
        nonce += 1


def coinbase(height: int, *pays: tuple[int, str], extra: bytes = b"") -> Made:
    return Made((), pays or ((50 * COIN, P2PKH),), note=height.to_bytes(4, "little") + extra)


@dataclass
class BitcoinNode:
    """A node: ``verbosity`` is the most it tells of a block, ``indexed`` whether it finds
    transactions; ``hexes`` whether it tells their bytes with a block."""

    blocks: dict[int, Mined] = field(default_factory=dict)
    verbosity: int = 3
    indexed: bool = True
    hexes: bool = True
    loading: bool = False
    genesis: str = GENESIS

    def grow(self, *made: Made, time: int = 1_700_000_000, note: bytes = b"") -> Mined:
        """Mine a block of ``made`` on top; a coinbase comes first of itself."""
        height = max(self.blocks, default=0) + 1
        parent = self.blocks[height - 1].hash if height > 1 else self.genesis
        first = made[0] if made and not made[0].spends else coinbase(height, extra=note)
        others = [one for one in made if one.spends]
        self.blocks[height] = mine(height, parent, [first, *others], time=time + 600 * height)
        return self.blocks[height]

    def drop(self, height: int) -> None:
        """Forget the blocks from ``height`` on."""
        self.blocks = {number: block for number, block in self.blocks.items() if number < height}

    def __call__(self, method: str, params: list[Any]) -> Any:
        match method, params:
            case "getblockhash", [0]:
                return self.genesis
            case "getblockhash", [height]:
                if height not in self.blocks:
                    raise Refusal(-8, "Block height out of range")
                return self.blocks[height].hash
            case "getblockheader", [named, *_]:
                return self._header(self._named(named))
            case "getblockchaininfo", []:
                top = max(self.blocks)
                return {
                    "chain": "main",
                    "blocks": top,
                    "headers": top,
                    "bestblockhash": self.blocks[top].hash,
                    "initialblockdownload": self.loading,
                }
            case "getblock", [named, 0]:
                block = self._named(named)
                return (
                    block.head + varint(len(block.made)) + b"".join(m.whole for m in block.made)
                ).hex()
            case "getblock", [named, verbosity]:
                if self.verbosity == 0:
                    raise Refusal(-32602, "Invalid verbosity")
                return self._block(self._named(named), min(verbosity, self.verbosity))
            case "getrawtransaction", [txid, 0]:
                if not self.indexed:
                    raise Refusal(
                        -5, "No such mempool transaction. Use -txindex or provide a block"
                    )
                return self._made(txid).whole.hex()
        raise Refusal(-32601, "Method not found")

    def _named(self, named: str) -> Mined:
        found = [block for block in self.blocks.values() if block.hash == named]
        if not found:
            raise Refusal(-5, "Block not found")
        return found[0]

    def _made(self, txid: str) -> Made:
        found = [made for block in self.blocks.values() for made in block.made if made.txid == txid]
        if not found:
            raise Refusal(-5, "No such mempool or blockchain transaction.")
        return found[-1]

    def _header(self, block: Mined) -> dict[str, Any]:
        return {
            "hash": block.hash,
            "confirmations": 1,
            "height": block.height,
            "version": 2,
            "merkleroot": block.root,
            "time": block.time,
            "nonce": block.nonce,
            "bits": f"{EASY:08x}",
            "previousblockhash": block.parent,
        }

    def _block(self, block: Mined, verbosity: int) -> dict[str, Any]:
        return self._header(block) | {"tx": [self._told(made, verbosity) for made in block.made]}

    def _told(self, made: Made, verbosity: int) -> dict[str, Any]:
        told: dict[str, Any] = {
            "txid": made.txid,
            "vin": [self._spent(txid, n, verbosity) for txid, n in made.spends]
            or [{"coinbase": made.note.hex(), "sequence": 0}],
            "vout": [
                {"n": n, "value": amount / COIN, "scriptPubKey": {"hex": script}}
                for n, (amount, script) in enumerate(made.pays)
            ],
        }
        return told | ({"hex": made.whole.hex()} if self.hexes else {})

    def _spent(self, txid: str, number: int, verbosity: int) -> dict[str, Any]:
        spent: dict[str, Any] = {"txid": txid, "vout": number, "sequence": 0}
        if verbosity == 3:
            amount, script = self._made(txid).pays[number]
            spent["prevout"] = {
                "generated": False,
                "height": 1,
                "value": amount / COIN,
                "scriptPubKey": {"hex": script},
            }
        return spent
