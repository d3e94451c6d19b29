"""Where notices may go: what an address has to look like, and which machines may be connected to.

Only machines of the public internet, unless an operator names private networks. The shape is
checked when somebody writes an address down; what its name stands for is checked before each
connection, which then goes to the address that was checked. Sources: the registries of special
addresses of IANA (IPv4, IPv6), RFC 6052 (IPv4 within IPv6).
"""

import re
from collections.abc import Sequence
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Final
from urllib.parse import urlsplit

import msgspec

from graph_api.domain.errors import BadInput, Forbidden

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

MAX_URL: Final = 2_000

#: Everything of IPv4 that is not the public internet.
_SPECIAL_V4: Final = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # shared by customers of a carrier
        "127.0.0.0/8",  # this machine
        "169.254.0.0/16",  # this link, and the metadata of clouds
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocols
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # AMT
        "192.88.99.0/24",  # relays of 6to4
        "192.168.0.0/16",  # private
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
    )
)
#: Of IPv6 only this is public …
_PUBLIC_V6: Final = IPv6Network("2000::/3")
#: … without these.
_SPECIAL_V6: Final = tuple(
    IPv6Network(network)
    for network in (
        "2001::/23",  # protocols: Teredo, ORCHID, benchmarks
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: IPv4 in disguise
        "2620:4f:8000::/48",  # AS112
        "3fff::/20",  # documentation
    )
)
#: What a translator of addresses makes of IPv4; the last 32 bits are the address that is meant.
_TRANSLATED: Final = IPv6Network("64:ff9b::/96")

_NAME: Final = re.compile(r"(?=.{1,253}\Z)[a-z0-9_]([a-z0-9_-]{0,62}\.)*[a-z0-9_-]{1,63}\.?", re.I)
_NUMBER: Final = re.compile(r"(0x[0-9a-f]*|[0-9]+)\.?", re.I)
_FIRST_FREE_PORT: Final = 1_024


class TargetRefused(Forbidden):
    """A place that nothing is sent to."""


class Reach(msgspec.Struct, frozen=True):
    """Which machines may be connected to: public ones, and those of ``private`` networks."""

    private: tuple[Network, ...] = ()

    def admits_privately(self, address: Address) -> bool:
        """Whether ``address`` is in a private network that was named."""
        return any(address in network for network in self.private)


class Target(msgspec.Struct, frozen=True):
    """An address that was taken apart; ``host`` is a name, or an IP address without brackets."""

    url: str
    host: str
    port: int
    secure: bool

    @property
    def authority(self) -> str:
        """The value of the header ``Host``."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.secure else 80) else f"{host}:{self.port}"


def reach_of(networks: Sequence[str]) -> Reach:
    """The reach of an operator who names ``networks``, such as ``10.1.0.0/16``. Raises: BadInput"""
    try:
        return Reach(tuple(ip_network(network) for network in networks))
    except ValueError as error:
        raise BadInput(f"A private network is written as 10.1.0.0/16: {error}.") from error


def target_of(url: str, reach: Reach) -> Target:
    """``url`` taken apart, if something could be sent there. Raises: BadInput, TargetRefused."""
    if len(url) > MAX_URL or not url.isascii() or not url.isprintable() or " " in url:
        raise BadInput(f"An address is up to {MAX_URL:,} ASCII characters without spaces.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise BadInput(f"The address cannot be read: {error}.") from error
    secure = parts.scheme == "https"
    if parts.scheme not in ("https", "http"):
        raise BadInput("The address begins with https://.")
    if "@" in parts.netloc or "\\" in url or parts.fragment:
        raise BadInput("The address has no user, password, fragment or backslash.")
    target = Target(
        url=url,
        host=_host(parts.hostname or ""),
        port=port if port is not None else (443 if secure else 80),
        secure=secure,
    )
    _require_shape(target, reach)
    return target


def require_address(target: Target, address: str, reach: Reach) -> None:
    """Refuse to connect to ``address``, which the host of ``target`` stands for.

    Raises: TargetRefused.
    """
    found = _meant(ip_address(address))
    if reach.admits_privately(found):
        return
    if not _is_public(found):
        raise TargetRefused(f"{target.host} stands for {found}, which is not a public address.")
    if not target.secure:
        raise TargetRefused("Only https is spoken with public addresses.")


def _require_shape(target: Target, reach: Reach) -> None:
    if not target.secure and not reach.private:
        raise TargetRefused("The address begins with https://.")
    if target.port not in (80, 443) and target.port < _FIRST_FREE_PORT:
        raise TargetRefused(f"Port {target.port} belongs to another service; 443 is the usual one.")
    if _is_literal(target.host):
        require_address(target, target.host, reach)
    elif not reach.private and f".{target.host.rstrip('.')}".endswith(".localhost"):
        raise TargetRefused(f"{target.host} is this machine, which is not a public address.")


def _host(host: str) -> str:
    if _is_literal(host):
        if "%" in host:
            raise BadInput("An IP address has no zone.")
        return host
    if not _NAME.fullmatch(host):
        raise BadInput("The address needs the name of a host, in ASCII (as in xn--…).")
    if _NUMBER.fullmatch(host.rstrip(".").rpartition(".")[2]):
        # Resolvers read 127.1 or 0x7f000001 as addresses.
        raise BadInput("An IP address is written in full, such as 192.0.2.1.")
    return host


def _is_literal(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _meant(address: Address) -> Address:
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _TRANSLATED:
            return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _SPECIAL_V4)
    return address in _PUBLIC_V6 and not any(address in network for network in _SPECIAL_V6)
