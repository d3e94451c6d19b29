"""What every source of prices can be asked."""

from collections.abc import Sequence
from typing import Protocol

from graph_api.domain.assets import Asset
from graph_api.domain.prices import Price, Quote
from ingest.providers.health import EndpointStatus


class PriceSource(Protocol):
    """A source of prices. Both questions raise UpstreamUnavailable where it cannot be asked."""

    name: str

    async def quotes(self, assets: Sequence[Asset], *, now: int) -> list[Quote]:
        """What it says of ``assets`` at ``now`` (epoch ms); what it does not know is left out."""

    async def history(self, asset: Asset, *, first: int, last: int) -> list[Price]:
        """What ``asset`` cost from ``first`` to ``last`` (epoch ms), each price since when it was
        known; none where it does not know."""

    def status(self) -> list[EndpointStatus]:
        """How it has been doing."""

    async def close(self) -> None:
        """Give its connections back."""
