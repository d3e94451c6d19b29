"""Encrypted connections: verified like the driver verifies them, or not used at all."""

import ssl
import subprocess
from pathlib import Path

import pytest
from msgspec.structs import replace

from graph_api.domain.errors import UpstreamUnavailable
from graph_api.store.address import GraphAddress
from graph_api.store.bolt.reader import Reader, reads
from graph_api.store.graph import Graph
from tests.real.available import Unavailable, skip
from tests.real.packages import installed
from tests.store.bolt.proxy import proxied

REQUEST = (
    "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
    "-subj /CN=localhost -addext subjectAltName=DNS:localhost"
)


def _openssl() -> Path:
    try:
        return installed("openssl", package="openssl")
    except Unavailable as reason:
        skip(reason)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for ``localhost`` that vouches for itself, and its key, made for this run."""
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        [_openssl(), *REQUEST.split(), "-keyout", key, "-out", certificate],
        check=True,
        capture_output=True,
    )
    return certificate, key


@pytest.fixture
def server_side(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    return context


async def test_a_trusted_certificate_is_accepted_and_any_with_ssc(
    embedded_address: GraphAddress,
    server_side: ssl.SSLContext,
    certificate: tuple[Path, Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with proxied(embedded_address, tls=server_side) as proxy:
        for scheme, trusted in (("bolt+ssc", ""), ("bolt+s", str(certificate[0]))):
            monkeypatch.setenv("SSL_CERT_FILE", trusted)
            graph = await Graph.open(proxy.address(scheme=scheme, host="localhost"))
            assert await graph.read_values("RETURN 1 AS one", {}) == (("one",), [[1]])
            await proxy.cut()
            _, rows = await graph.read_values("UNWIND range(1, 20000) AS x RETURN x", {})
            assert rows == [[x] for x in range(1, 20001)]
            assert graph.reader is not None
            assert not any(reason.startswith("driver") for reason in graph.reader.tally)
            await graph.close()


@pytest.mark.parametrize(("host", "trust"), [("localhost", False), ("127.0.0.1", True)])
async def test_a_stranger_or_another_name_is_refused_by_both(
    embedded_address: GraphAddress,
    server_side: ssl.SSLContext,
    certificate: tuple[Path, Path],
    monkeypatch: pytest.MonkeyPatch,
    host: str,
    trust: bool,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]) if trust else "")
    async with proxied(embedded_address, tls=server_side) as proxy:
        address = proxy.address(scheme="bolt+s", host=host)
        with pytest.raises(UpstreamUnavailable):
            await Graph.open(address)
        reader = Reader(
            address.url,
            address.user,
            password=address.password,
            database=address.database,
            pool_size=1,
            query_timeout_s=5,
        )
        with pytest.raises(Exception, match="cannot be reached"):
            await reader.read("RETURN 1 AS one", {})
        await reader.close()


@pytest.mark.parametrize(
    ("url", "ours"),
    [
        ("bolt://graph", True),
        ("bolt://graph:7688", True),
        ("bolt+s://[::1]:7687", True),
        ("bolt+ssc://graph", True),
        ("neo4j://graph", False),
        ("neo4j+s://graph", False),
        ("bolt://graph?policy=eu", False),
    ],
)
def test_the_reader_asks_single_servers_only(url: str, ours: bool) -> None:
    assert reads(url) is ours


async def test_routing_and_a_wish_for_the_driver_leave_the_reader_out(
    neo4j_address: GraphAddress,
) -> None:
    routed = replace(neo4j_address, url=neo4j_address.url.replace("bolt://", "neo4j://"))
    for graph in (await Graph.open(routed), await Graph.open(neo4j_address, reader="driver")):
        assert graph.reader is None
        keys, rows = await graph.read_values("RETURN 1 AS one", {})
        assert (tuple(keys), rows) == (("one",), [[1]])
        await graph.close()
