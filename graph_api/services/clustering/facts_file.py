"""What runs have read of a chain, in a file, so that the next process reads new blocks alone.

The file is frames one after another, each of facts that were read at one time. It can always be
lost: a frame that is damaged, or does not go on from the one before, ends it there. Whether what it
holds is still what the graph holds is for its reader to find out, by its ``Mark``.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from sys import intern
from typing import BinaryIO, Final, TypeVar

import msgspec
import zstandard

from graph_api.analysis.clustering.facts import Facts, Move
from graph_api.domain.ids import AccountId, ChainId, TokenId, TransactionId
from graph_api.domain.records import UtxoTransaction

#: The first bytes of a file; another number, another form of what follows.
_MAGIC: Final = b"deskgraph facts 1\n"
_SIZE_BYTES: Final = 8
_DIGEST_BYTES: Final = 16
#: So many facts one frame takes at most, so that no frame needs much memory beside them.
_AT_ONCE: Final = 100_000
#: A file of more frames is written anew.
_MOST_FRAMES: Final = 1_000
#: zstd's quickest: a third of the size, at a tenth of the time that the rest takes.
_LEVEL: Final = 1
_T = TypeVar("_T")


class Mark(msgspec.Struct, frozen=True):
    """Up to where a chain was read, and how much there was."""

    block: int | None = None
    block_hash: str | None = None
    moves: int = 0
    transactions: int = 0
    untimed: int = 0


class Read(msgspec.Struct):
    """Facts that were read."""

    moves: list[Move] = []
    transactions: list[UtxoTransaction] = []
    payers: dict[TransactionId, AccountId] = {}

    def add_to(self, facts: Facts) -> None:
        """Lay them out beside what is known."""
        facts.add_moves(self.moves)
        facts.add_utxos(self.transactions)
        facts.add_payers(self.payers)


class _Moves(msgspec.Struct, array_like=True):
    """Transfers, column by column; wallets and tokens by their places in ``texts``."""

    texts: list[str]
    senders: list[int | None]
    recipients: list[int]
    tokens: list[int | None]
    amounts: list[str | None]
    blocks: list[int | None]
    times: list[int | None]
    transactions: list[TransactionId | None]
    orders: list[str]

    @classmethod
    def of(cls, moves: list[Move]) -> "_Moves":
        """In columns."""
        places: dict[str, int] = {}

        def place(text: str) -> int:
            return places.setdefault(text, len(places))

        senders = [None if move.sender is None else place(move.sender) for move in moves]
        recipients = [place(move.recipient) for move in moves]
        tokens = [None if move.token is None else place(move.token) for move in moves]
        return cls(
            texts=list(places),
            senders=senders,
            recipients=recipients,
            tokens=tokens,
            # An amount may be larger than any integer of the file's form.
            amounts=[None if move.amount_raw is None else str(move.amount_raw) for move in moves],
            blocks=[move.block_number for move in moves],
            times=[move.block_time for move in moves],
            transactions=[move.transaction for move in moves],
            orders=[move.order for move in moves],
        )

    def moves(self) -> list[Move]:
        """In rows; one text for each wallet and token."""
        texts = [intern(text) for text in self.texts]
        return [
            Move(
                None if sender is None else AccountId(texts[sender]),
                AccountId(texts[recipient]),
                None if token is None else TokenId(texts[token]),
                None if amount is None else int(amount),
                block,
                time,
                transaction,
                order,
            )
            for sender, recipient, token, amount, block, time, transaction, order in zip(
                self.senders,
                self.recipients,
                self.tokens,
                self.amounts,
                self.blocks,
                self.times,
                self.transactions,
                self.orders,
                strict=True,
            )
        ]


class _Frame(msgspec.Struct, array_like=True):
    """Facts of one time, or a part of them, and the marks before and after all of them."""

    source: str
    before: Mark
    after: Mark
    is_last: bool
    moves: _Moves
    transactions: list[UtxoTransaction]
    payers: dict[TransactionId, AccountId]


class FactsFile:
    """The file of one chain in ``folder``; ``source`` names the graph that was read."""

    def __init__(self, folder: Path, chain: ChainId, *, source: str) -> None:
        self._path = folder / f"{chain.replace(':', '-')}.facts"
        self._source = source
        #: How the file was when it was last read or written here, and what it came to.
        self._known: tuple[int, int] | None = None
        self._mark, self._frames = Mark(), 0

    def load(self, facts: Facts) -> Mark:
        """Add what the file has to ``facts``; up to where that is.

        After an empty mark ``facts`` are of no use.
        """
        self._known, self._mark, self._frames = None, Mark(), 0
        is_whole = False
        try:
            with self._path.open("rb") as file:
                if file.read(len(_MAGIC)) != _MAGIC:
                    return Mark()
                for frame in self._valid(file):
                    Read(frame.moves.moves(), frame.transactions, frame.payers).add_to(facts)
                    self._mark, self._frames = frame.after, self._frames + 1
                    is_whole = frame.is_last
                if is_whole and file.tell() == self._path.stat().st_size:
                    self._known = self._state()
        except OSError:
            return Mark()
        return self._mark if is_whole else Mark()

    def save(
        self, read: Read, before: Mark, after: Mark, *, everything: Callable[[], Read]
    ) -> None:
        """Remember ``read``, which leads from ``before`` to ``after``.

        Where the file does not end at ``before`` it is written anew with ``everything``.
        Raises: OSError.
        """
        goes_on = self._known is not None and self._known == self._state()
        if goes_on and self._mark == before and self._frames < _MOST_FRAMES:
            with self._path.open("ab") as file:
                self._frames += _write(file, self._source, read, before, after)
        else:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            fresh = self._path.with_suffix(f".{os.getpid()}.new")
            try:
                with fresh.open("wb") as file:
                    file.write(_MAGIC)
                    self._frames = _write(file, self._source, everything(), Mark(), after)
                fresh.replace(self._path)
            finally:
                fresh.unlink(missing_ok=True)
        self._mark, self._known = after, self._state()

    def _valid(self, file: BinaryIO) -> Iterator[_Frame]:
        """Frames before the first that is damaged or does not follow; the file stands there."""
        decoder, mark, end = msgspec.msgpack.Decoder(_Frame), Mark(), file.tell()
        while (body := _body(file)) is not None:
            try:
                frame = decoder.decode(zstandard.decompress(body))
            except (msgspec.MsgspecError, zstandard.ZstdError):
                break
            if frame.source != self._source or frame.before != mark:
                break
            yield frame
            mark, end = (frame.after if frame.is_last else mark), file.tell()
        file.seek(end)

    def _state(self) -> tuple[int, int] | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_size, found.st_mtime_ns


def _body(file: BinaryIO) -> bytes | None:
    """What the next frame holds; None where there is none that is whole."""
    size = int.from_bytes(file.read(_SIZE_BYTES), "big")
    digest = file.read(_DIGEST_BYTES)
    # A damaged size may be any.
    if not 0 < size <= os.fstat(file.fileno()).st_size - file.tell():
        return None
    body = file.read(size)
    return body if blake2b(body, digest_size=_DIGEST_BYTES).digest() == digest else None


def _write(file: BinaryIO, source: str, read: Read, before: Mark, after: Mark) -> int:
    """Write frames; how many they are."""
    encoder, compressor = msgspec.msgpack.Encoder(), zstandard.ZstdCompressor(level=_LEVEL)
    count = 0
    for part, is_last in _parts(read):
        moves = _Moves.of(part.moves)
        frame = _Frame(source, before, after, is_last, moves, part.transactions, part.payers)
        body = compressor.compress(encoder.encode(frame))
        file.write(len(body).to_bytes(_SIZE_BYTES, "big"))
        file.write(blake2b(body, digest_size=_DIGEST_BYTES).digest())
        file.write(body)
        count += 1
    return count


def _parts(read: Read) -> Iterator[tuple[Read, bool]]:
    """What fits into frames, and whether it is the last."""
    parts = [
        *(Read(moves=some) for some in _chunks(read.moves)),
        *(Read(transactions=some) for some in _chunks(read.transactions)),
        *(Read(payers=dict(some)) for some in _chunks(read.payers.items())),
    ] or [Read()]
    for place, part in enumerate(parts, 1):
        yield part, place == len(parts)


def _chunks(things: Iterable[_T]) -> Iterator[list[_T]]:
    left = iter(things)
    while some := list(islice(left, _AT_ONCE)):
        yield some
