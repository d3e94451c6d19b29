"""The label files of other projects, whole: counted to the last row."""

import os
import re
from collections import Counter
from pathlib import Path

import pytest

from graph_api.domain.chains import EVM_CHAINS
from ingest.sources.files.labels.taxonomy import concept, explorer_word, list_word
from tests.ingest.labels.reading import Found, read

DATA = Path(os.environ["DESKGRAPH_DATA"]) if os.environ.get("DESKGRAPH_DATA") else None

pytestmark = pytest.mark.skipif(
    DATA is None, reason="DESKGRAPH_DATA names no folder of real data; these tests read it"
)

FILES = {
    "labels/eth_labels_tokens.csv.gz": (
        27_459,
        {"Token": 27_459, "WalletFact": 27_459, "Label": 27_459},
        19_886,
    ),
    "labels/etherscan_all_labels.json.gz": (
        29_945,
        {"Label": 33_028, "Actor": 219, "WalletFact": 1_177},
        33_027,
    ),
    "labels/polygonscan_all_labels.json.gz": (
        4_997,
        {"Label": 5_452, "Actor": 40, "WalletFact": 1_437, "Reject": 2},
        5_452,
    ),
    "labels/forta_phishing_scams.csv.gz": (
        6_726,
        {"Label": 6_724, "WalletFact": 6_724, "Reject": 2},
        6_218,
    ),
    "labels/forta_malicious_smart_contracts.csv.gz": (
        753,
        {"Label": 1_506, "WalletFact": 753},
        1_288,
    ),
    "labels/tagpacks/etherscan-wordcloud-exchange.yaml.gz": (646, {"Label": 646}, 646),
    "labels/tagpacks/exchange-wallets-bitmex_0.yaml.gz": (50_000, {"Label": 50_000}, 50_000),
    "labels/tagpacks/graphsense.actorpack.yaml.gz": (3_813, {"Actor": 3_813}, 0),
    "labels/tagpacks/hacks.yaml.gz": (608, {"Label": 608}, 608),
    "labels/tagpacks/ofac.yaml.gz": (572, {"Label": 1_074, "Reject": 35}, 1_074),
    "labels/tagpacks/usdt_blacklist.yaml.gz": (774, {"Label": 774}, 774),
    "labels/tagpacks/walletexplorer.yaml.gz": (386, {"Label": 386}, 386),
}

OFAC = {
    "ARB": (1, 0),
    "BCH": (0, 7),
    "BSC": (1, 0),
    "BSV": (0, 1),
    "BTG": (0, 1),
    "DASH": (0, 3),
    "ETC": (0, 1),
    "ETH": (152, 0),
    "LTC": (0, 10),
    "TRX": (0, 6),
    "USDC": (2, 0),
    "USDT": (15, 11),
    "XBT": (434, 1),
    "XMR": (0, 3),
    "XRP": (0, 1),
    "XVG": (0, 1),
    "ZEC": (0, 3),
}


def real(name: str, *chains: str) -> Found:
    assert DATA is not None
    return read(DATA / name, *chains)


def reasons(found: Found) -> Counter[str]:
    """Rejects by reason, without what is the row's own in it."""
    return Counter(re.sub(r"'0x[^']*'|'[1-9A-Za-z]{30,}'", "…", r.reason) for r in found.rejects)


@pytest.mark.parametrize("name", FILES)
def test_every_row_is_accounted_for(name: str) -> None:
    rows, kinds, claims = FILES[name]
    found = real(name)
    assert (found.rows, dict(found.kinds())) == (rows, kinds)
    assert len({label.id for label in found.labels}) == claims
    assert {entry.row for entry in found.entries} == set(range(1, rows + 1))
    assert all(0 < label.confidence <= 1 for label in found.labels)


@pytest.mark.parametrize("ticker", OFAC)
def test_sanctioned_addresses_are_on_our_chains_or_rejects(ticker: str) -> None:
    found = real(f"labels/ofac/sanctioned_addresses_{ticker}.txt")
    assert (len(found.labels), len(found.rejects)) == OFAC[ticker]
    assert {label.category for label in found.labels} <= {"sanctioned"}


def test_a_stablecoins_sanctioned_addresses_go_by_their_shape() -> None:
    found = real("labels/ofac/sanctioned_addresses_USDT.txt")
    spread = Counter(len(label.accounts) for label in found.labels)
    assert spread == {1: 7, len(EVM_CHAINS): 8}


def test_what_is_left_out_says_why() -> None:
    assert reasons(real("labels/tagpacks/ofac.yaml.gz")) == {
        "The chain 'LTC' is not in the chain table.": 8,
        "The chain 'BCH' is not in the chain table.": 7,
        "The chain 'ZEC' is not in the chain table.": 3,
        "The chain 'DASH' is not in the chain table.": 3,
        "The chain 'XMR' is not in the chain table.": 3,
        "The chain 'TRX' is not in the chain table.": 3,
        "The chain 'BSV' is not in the chain table.": 1,
        "The chain 'XRP' is not in the chain table.": 1,
        "The chain 'BTG' is not in the chain table.": 1,
        "The chain 'XVG' is not in the chain table.": 1,
        "The USDT address … is of a chain that is not in the table.": 3,
        "… is an address of another chain than Bitcoin.": 1,
    }
    assert reasons(real("labels/polygonscan_all_labels.json.gz")) == {
        "'' is no address.": 1,
        "'genesis' is no address.": 1,
    }
    assert reasons(real("labels/forta_phishing_scams.csv.gz")) == {
        "… has a wrong EIP-55 checksum; check its letters or write it in lower case.": 2
    }


def test_address_lists_without_a_chain_speak_of_the_named_ones() -> None:
    found = real("hop_transfers/address_categories.csv.gz", "polygon", "gnosis")
    assert dict(found.kinds()) == {"Label": 163_378}
    assert Counter(label.category for label in found.labels) == {
        "contract": 52_696,
        "airdrop": 43_052,
        "deposit": 26_625,
        "user": 16_985,
        "other": 11_114,
        "exchange": 8_290,
        "donation": 4_616,
    }
    assert {len(label.accounts) for label in found.labels} == {2}


def test_address_lists_on_no_chain_leave_out_contracts() -> None:
    found = real("hop_transfers/address_categories.csv.gz")
    assert reasons(found) == {"A label contract holds on one chain; name it with --chain.": 52_696}
    assert {len(label.accounts) for label in found.labels} == {len(EVM_CHAINS)}


def test_every_word_of_every_file_has_a_meaning() -> None:
    for name in FILES:
        known = concept if "tagpacks" in name else explorer_word
        words = {label.source_category for label in real(name).labels} - {None}
        assert {word for word in words if known(str(word)) is None} == set(), name
    words = {
        label.source_category
        for label in real("hop_transfers/address_categories.csv.gz", "polygon").labels
    }
    assert {word for word in words if list_word(str(word)) is None} == set()


def test_actors_of_the_pack_have_types_and_links() -> None:
    found = real("labels/tagpacks/graphsense.actorpack.yaml.gz")
    actors = {actor.id: actor for actor in found.actors}
    assert len(actors) == 3_813
    assert Counter(actor.type.value for actor in actors.values()).most_common(3) == [
        ("other", 1_417),
        ("exchange", 869),
        ("dex", 804),
    ]
    binance, tornado = actors["binance"], actors["tornado"]
    assert (binance.name, binance.type.value, binance.url) == (
        "Binance",
        "exchange",
        "https://binance.com",
    )
    assert tornado.type.value == "mixer"
    assert all(a.url is None or a.url.startswith(("https://", "http://")) for a in actors.values())


def test_a_second_reading_says_the_same() -> None:
    name = "labels/forta_malicious_smart_contracts.csv.gz"
    assert real(name) == real(name)
