"""What an answer rests on, as clients see it."""

from datetime import datetime

import strawberry

from graph_api.domain.ids import ChainId
from graph_api.schema.scalars import BigInt
from graph_api.services import as_of


@strawberry.type(description="Up to where a chain was known.")
class AsOf:
    """What an answer about it rests on."""

    chain_id: ChainId = strawberry.field(description="CAIP-2 id of the chain.")
    block_number: BigInt | None = strawberry.field(
        description="The newest block that counted; null where sources tell none."
    )
    at: datetime = strawberry.field(
        description="Labels, and what happened as far as times are known, are those of this moment."
    )

    @classmethod
    def of(cls, found: as_of.AsOf) -> "AsOf":
        """As clients see it."""
        block = None if found.block is None else BigInt(found.block)
        return cls(chain_id=found.chain, block_number=block, at=found.at)
