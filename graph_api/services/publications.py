"""How the graph comes to tell what is published, and nothing else."""

from collections.abc import Awaitable, Callable

from graph_api.vault.shelves import Kept


async def settle(
    look: Callable[[], Awaitable[Kept | None]],
    *,
    put: Callable[[Kept], Awaitable[None]],
    remove: Callable[[], Awaitable[None]],
) -> bool:
    """Write what is published into the graph, and take away what is not; whether it is there now.

    Looks again when it has written, so that the last of several changes counts.
    """
    while True:
        kept = await look()
        if kept is None or kept.published_at is None:
            await remove()
        else:
            await put(kept)
        if await look() == kept:
            return kept is not None and kept.published_at is not None
