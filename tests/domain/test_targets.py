"""Where notices may go: public machines by https, and private networks that were named."""

from ipaddress import ip_address

import pytest
from hypothesis import given, strategies

from graph_api.domain.errors import BadInput
from graph_api.domain.targets import Reach, TargetRefused, reach_of, require_address, target_of

PUBLIC = Reach()
LAN = reach_of(["10.1.0.0/16", "fd00:1::/32"])
TARGET = target_of("https://hooks.example/alerts", PUBLIC)

NOT_PUBLIC = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",
    "100.127.255.254",
    "127.0.0.1",
    "127.9.9.9",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.254",
    "192.0.0.170",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.7",
    "203.0.113.9",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd12:3456::1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
]


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_nothing_is_sent_to_what_is_not_public(address: str) -> None:
    with pytest.raises(TargetRefused, match="not a public address"):
        require_address(TARGET, address, PUBLIC)


@pytest.mark.parametrize(
    "address",
    [
        "1.1.1.1",
        "100.63.255.255",
        "172.32.0.1",
        "2606:4700::1",
        "64:ff9b::101:101",
        "::ffff:8.8.8.8",
    ],
)
def test_what_is_public_is_sent_to(address: str) -> None:
    require_address(TARGET, address, PUBLIC)


@given(strategies.ip_addresses())
def test_what_python_takes_for_private_is_never_sent_to(address: object) -> None:
    # Its own lists are another source: ours must be as strict or stricter.
    found = ip_address(str(address))
    mapped = getattr(found, "ipv4_mapped", None)
    if mapped is None and (found.is_private or found.is_loopback or found.is_multicast):
        with pytest.raises(TargetRefused):
            require_address(TARGET, str(address), PUBLIC)


@pytest.mark.parametrize("address", ["10.1.2.3", "::ffff:10.1.2.3", "fd00:1::7"])
def test_a_private_network_that_was_named_is_sent_to(address: str) -> None:
    require_address(TARGET, address, LAN)
    require_address(target_of("http://hooks.lan/", LAN), address, LAN)


@pytest.mark.parametrize("address", ["10.2.0.1", "fd00:2::1", "169.254.169.254"])
def test_other_private_networks_are_not(address: str) -> None:
    with pytest.raises(TargetRefused):
        require_address(TARGET, address, LAN)


def test_public_machines_are_spoken_to_by_https_alone() -> None:
    plain = target_of("http://hooks.example/", LAN)

    with pytest.raises(TargetRefused, match="Only https"):
        require_address(plain, "1.1.1.1", LAN)
    with pytest.raises(TargetRefused, match="begins with https"):
        target_of("http://hooks.example/", PUBLIC)


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://localhost/",
        "https://LOCALHOST./",
        "https://db.localhost:8443/",
        "https://hooks.example:22/",
        "https://hooks.example:6379/".replace("6379", "587"),
    ],
)
def test_what_can_be_seen_to_be_wrong_is_refused_at_once(url: str) -> None:
    with pytest.raises(TargetRefused):
        target_of(url, PUBLIC)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hooks.example",
        "ftp://hooks.example/",
        "file:///etc/passwd",
        "gopher://hooks.example/",
        "https://",
        "https:///path",
        "https://user:word@hooks.example/",
        "https://1.1.1.1@127.0.0.1/",
        "https://hooks.example\\@127.0.0.1/",
        "https://hooks.example/#there",
        "https://hooks.example/a b",
        "https://hooks.example/\r\nHost: elsewhere",
        "https://hooks.example:port/",
        "https://hooks.example:99999/",
        "https://bücher.example/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0x7f.1/",
        "https://[fe80::1%25eth0]/",
        "https://-hooks-.example../",
        "https://hooks.example/" + "a" * 2_000,
    ],
)
def test_an_address_that_could_be_read_in_two_ways_is_refused(url: str) -> None:
    with pytest.raises((BadInput, TargetRefused)):
        target_of(url, PUBLIC)


def test_an_address_is_taken_apart() -> None:
    target = target_of("https://Hooks.example:8443/alerts?key=1", PUBLIC)

    assert (target.host, target.port, target.secure) == ("hooks.example", 8443, True)
    assert target.authority == "hooks.example:8443"
    assert TARGET.authority == "hooks.example"
    assert target_of("https://[2606:4700::1]/", PUBLIC).authority == "[2606:4700::1]"


def test_a_network_that_cannot_be_read_is_named() -> None:
    with pytest.raises(BadInput, match=r"10\.1\.0\.0/16"):
        reach_of(["10.1.2.3/16"])
