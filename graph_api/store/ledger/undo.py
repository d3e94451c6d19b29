"""What a batch changes that its facts alone do not tell: kept with a block, to take it back."""

from collections.abc import Mapping

import msgspec

from graph_api.store.ledger.shelves import Shelves


class Undo(msgspec.Struct):
    """``wallets`` and ``tokens`` were new; ``kinds`` are those of other wallets before."""

    wallets: list[str] = msgspec.field(default_factory=list)
    tokens: list[str] = msgspec.field(default_factory=list)
    kinds: dict[str, str] = msgspec.field(default_factory=dict)

    @classmethod
    def whole(cls, *texts: str | None) -> "Undo":
        """Everything that ``texts`` of JSON tell; what a later one says of a kind holds."""
        undo = cls()
        for text in filter(None, texts):
            undo += msgspec.json.decode(text, type=cls)
        return undo

    def __iadd__(self, other: "Undo") -> "Undo":
        self.wallets += other.wallets
        self.tokens += other.tokens
        self.kinds |= other.kinds
        return self


def kinds(shelves: Shelves) -> dict[str, str]:
    """The kinds of the wallets that are at hand and not new."""
    wallets = shelves.wallets
    return {key: wallets[key].kind for key in wallets.touched.keys() - wallets.fresh}


def undo(shelves: Shelves, before: Mapping[str, str]) -> Undo:
    """How to take back what happened since the kinds were as ``before``."""
    wallets = shelves.wallets
    return Undo(
        wallets=sorted(wallets.fresh),
        tokens=sorted(shelves.tokens.fresh),
        kinds={key: kind for key, kind in before.items() if wallets[key].kind != kind},
    )
