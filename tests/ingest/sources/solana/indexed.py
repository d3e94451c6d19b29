"""A node that keeps an index too: which transactions name an address, and single ones of them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.ingest.sources.json_rpc import Refusal
from tests.ingest.sources.solana.validator import FIRST_TIME, Done, SolanaNode, TokenState, told


@dataclass
class IndexedNode(SolanaNode):
    """Everything up to ``final`` is settled; nothing below ``oldest`` is kept.

    ``moved`` tells transactions in other slots than their own, ``lost`` are those that it lists
    and does not have.
    """

    oldest: int = 0
    moved: dict[str, int] = field(default_factory=dict)
    lost: set[str] = field(default_factory=set)

    def __call__(self, method: str, params: list[Any]) -> Any:
        match method, params:
            case "getSignaturesForAddress", [address, options]:
                return self._signatures(address, options)
            case "getTransaction", [signature, options]:
                return self._transaction(signature, options)
            case "getTokenAccountsByOwner", [owner, {"programId": program}, options]:
                self._check_context(options)
                return self._accounts(owner, program)
            case "getFirstAvailableBlock", []:
                return self.oldest
        return super().__call__(method, params)

    def _done(self) -> Iterator[tuple[int, Done]]:
        """What is settled and kept, the newest first."""
        for slot in sorted(self.blocks, reverse=True):
            if self.oldest <= slot <= self.final:
                yield from ((slot, done) for done in reversed(self.blocks[slot]))

    def _signatures(self, address: str, options: dict[str, Any]) -> list[dict[str, Any]]:
        self._check_context(options)
        found = [(slot, done) for slot, done in self._done() if address in done.keys]
        names = [done.signature for _, done in found]
        first = names.index(options["before"]) + 1 if "before" in options else 0
        return [
            {"signature": done.signature, "slot": slot, "err": done.error, "memo": None}
            for slot, done in found[first : first + options["limit"]]
        ]

    def _transaction(self, signature: str, options: dict[str, Any]) -> dict[str, Any] | None:
        assert options["maxSupportedTransactionVersion"] == 0
        for slot, done in self._done():
            if done.signature == signature and signature not in self.lost:
                place = {"slot": self.moved.get(signature, slot), "blockTime": FIRST_TIME + slot}
                return told(done, options["encoding"]) | place
        return None

    def _accounts(self, owner: str, program: str) -> dict[str, Any]:
        states: dict[str, TokenState | None] = {}
        for _, done in self._done():
            for key in done.keys:
                states.setdefault(key, done.tokens[1].get(key))
        value = [
            {"pubkey": key, "account": {"data": ["", "base64"]}}
            for key, state in states.items()
            if state is not None and (state.owner, state.program) == (owner, program)
        ]
        return {"context": {"slot": self.final}, "value": value}

    def _check_context(self, options: dict[str, Any]) -> None:
        assert options["commitment"] == "finalized"
        if options.get("minContextSlot", 0) > self.final:
            raise Refusal(-32016, "Minimum context slot has not been reached")
