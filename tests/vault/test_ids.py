"""Ids sort by their moment and are what RFC 9562 calls version 7."""

from datetime import UTC, datetime
from uuid import RFC_4122, UUID

import pytest
from hypothesis import given, strategies

from graph_api.vault.ids import ENTROPY_BYTES, uuid7

MOMENTS = strategies.datetimes(
    min_value=datetime(1970, 1, 2), max_value=datetime(9999, 1, 1), timezones=strategies.just(UTC)
)
ENTROPY = strategies.binary(min_size=ENTROPY_BYTES, max_size=ENTROPY_BYTES)


@given(now=MOMENTS, entropy=ENTROPY)
def test_an_id_is_a_uuid_of_version_7(now: datetime, entropy: bytes) -> None:
    id = UUID(uuid7(now, entropy))

    assert (id.version, id.variant) == (7, RFC_4122)
    assert id.int >> 80 == int(now.timestamp() * 1000)


@given(one=MOMENTS, other=MOMENTS, entropy=ENTROPY)
def test_ids_sort_by_their_moment(one: datetime, other: datetime, entropy: bytes) -> None:
    ids = uuid7(min(one, other), entropy), uuid7(max(one, other), entropy)

    assert ids[0] <= ids[1]


@given(entropy=strategies.lists(ENTROPY, min_size=2, unique=True))
def test_other_randomness_is_another_id(entropy: list[bytes]) -> None:
    now = datetime(2024, 5, 17, tzinfo=UTC)
    kept = {int.from_bytes(bytes_, "big") & (1 << 74) - 1 for bytes_ in entropy}

    assert len({uuid7(now, bytes_) for bytes_ in entropy}) == len(kept)


def test_the_published_example() -> None:
    # RFC 9562, appendix A.6: 2022-02-22T14:22:22-05:00 with the given random fields.
    entropy = (0xCC3 << 62 | 0x18C4DC0C0C07398F).to_bytes(ENTROPY_BYTES, "big")

    now = datetime(2022, 2, 22, 19, 22, 22, tzinfo=UTC)
    assert uuid7(now, entropy) == "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"


def test_too_little_randomness_is_a_fault() -> None:
    with pytest.raises(ValueError, match="takes 10 random bytes, not 4"):
        uuid7(datetime(2024, 5, 17, tzinfo=UTC), b"four")
