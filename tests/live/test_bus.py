"""The bus door on a real Redis and on the embedded one."""

from pathlib import Path

import pytest
from redis.asyncio import Redis

from graph_api.domain.errors import BadInput, UpstreamUnavailable
from graph_api.live.bus import Bus, place_of
from tests.real.redis import start_redis


@pytest.fixture(params=["redis", "valkey"])
def a_bus(request: pytest.FixtureRequest) -> tuple[str, str]:
    """The name and URL of each kind of server."""
    fixture = {"redis": "redis_url", "valkey": "embedded_bus_url"}[request.param]
    return request.param, request.getfixturevalue(fixture)


async def test_it_tells_what_answers(a_bus: tuple[str, str]) -> None:
    server, url = a_bus
    bus = await Bus.connect(url)
    facts = await bus.facts()
    await bus.ping()
    await bus.close()

    assert facts.server == server
    assert int(facts.version.split(".")[0]) >= 7
    assert facts.used_bytes > 0


async def test_a_bus_that_forgets_says_so(redis_url: str) -> None:
    bus = await Bus.connect(redis_url)
    facts = await bus.facts()
    await bus.close()

    assert not facts.keeps_every_write


async def test_a_service_that_hides_its_settings_still_answers(tmp_path: Path) -> None:
    async with start_redis(tmp_path, "--rename-command", "CONFIG", "") as url:
        bus = await Bus.connect(url)
        facts = await bus.facts()
        await bus.close()

    assert facts.fsync is None
    assert not facts.keeps_every_write


async def test_a_refused_login_is_no_outage(tmp_path: Path) -> None:
    async with start_redis(tmp_path) as url, Redis.from_url(url) as administrator:
        await administrator.config_set("requirepass", "right")
        for login in ("", "default:wrong@"):
            with pytest.raises(BadInput, match="refuses the login"):
                await Bus.connect(url.replace("//", f"//{login}"))


async def test_a_bus_that_is_away_is_named_without_its_password() -> None:
    with pytest.raises(UpstreamUnavailable, match=r"redis://127.0.0.1:1/0 does not") as caught:
        await Bus.connect("redis://someone:hidden@127.0.0.1:1/0")

    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize("url", ["", "http://127.0.0.1", "127.0.0.1:6379", "redis://[::1"])
async def test_what_is_no_url_of_a_bus_is_refused(url: str) -> None:
    with pytest.raises(BadInput, match="must begin with redis://"):
        await Bus.connect(url)


def test_a_place_leaves_the_login_out() -> None:
    assert place_of("rediss://me:hidden@bus.example:6380/2?db=1") == "rediss://bus.example:6380/2"
