"""What the graph tells of a published trace: for analysts who join it with a plain ``MATCH``."""

from collections import defaultdict
from functools import partial

from graph_api.analysis.tracing.limits import Ended
from graph_api.domain.principals import Principal
from graph_api.services.publications import settle
from graph_api.services.tracing import keeping
from graph_api.services.tracing.answers import TraceAnswer
from graph_api.store import published_traces
from graph_api.store.graph import Graph, Row
from graph_api.vault.shelves import Kept
from graph_api.vault.vault import Vault


async def bring_up_to_date(graph: Graph, vault: Vault, id: str, *, owner: Principal) -> bool:
    """Write a trace into the graph while it is published; whether it is there now."""

    async def look() -> Kept | None:
        return (await keeping.by_ids(vault, [id], principal=owner)).get(id)

    async def put(kept: Kept) -> None:
        answer = (await keeping.answers(vault, [id], principal=owner))[id]
        await _put(graph, kept, answer)

    return await settle(look, put=put, remove=partial(published_traces.remove, graph, id))


async def _put(graph: Graph, kept: Kept, answer: TraceAnswer) -> None:
    asked = answer.question
    await published_traces.put(
        graph,
        kept.id,
        properties={
            "name": kept.name,
            "workspace": kept.workspace,
            "owner": kept.principal,
            "digest": kept.digest,
            "policy": asked.policy.value,
            "direction": asked.way.value,
            "chain": asked.chain.id,
            "complete": answer.ended is Ended.COMPLETE,
            "block": answer.as_of[0].block if answer.as_of else None,
            "made_at": kept.made_at,
        },
        wallets=_wallets(answer),
        transfers=_transfers(answer),
    )


def _wallets(answer: TraceAnswer) -> list[Row]:
    """A road for each wallet and token: how much came, by how few hops, what became of it."""
    reached: dict[tuple[str, str], int] = defaultdict(int)
    hops: dict[tuple[str, str], int] = {}
    fates: dict[tuple[str, str], set[str]] = defaultdict(set)
    for piece in answer.pieces:
        if piece.wallet is not None:
            key = (piece.wallet, piece.token)
            reached[key] += int(piece.amount_raw)
            hops[key] = min(hops.get(key, piece.hops), piece.hops)
    for end in answer.ends:
        piece = answer.pieces[end.piece]
        if piece.wallet is not None:
            fates[piece.wallet, piece.token].add(end.fate.value)
    return [
        {
            "wallet": wallet,
            "token": token,
            "reached_raw": str(raw),
            "hops": hops[wallet, token],
            "fates": " ".join(sorted(fates[wallet, token])),
        }
        for (wallet, token), raw in sorted(reached.items())
    ]


def _transfers(answer: TraceAnswer) -> list[Row]:
    traced: dict[str, int] = defaultdict(int)
    hops: dict[str, int] = {}
    for piece in answer.pieces:
        if piece.transfer is not None:
            traced[piece.transfer] += int(piece.amount_raw)
            hops[piece.transfer] = min(hops.get(piece.transfer, piece.hops), piece.hops)
    return [
        {"transfer": transfer, "traced_raw": str(raw), "hops": hops[transfer]}
        for transfer, raw in sorted(traced.items())
    ]
