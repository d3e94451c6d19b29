"""Small files of every format: whom labels speak of, what is translated, what is left out."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from graph_api.domain.chains import EVM_CHAINS, chain_of
from graph_api.domain.errors import BadInput
from graph_api.domain.records import ActorType, WalletKind
from ingest.sources.files.format import Dataset, Options
from ingest.sources.files.labels import FORMATS, label_table
from tests.ingest.labels.reading import read, recognised, written

LOWER = "0x28c6c06298d514db089934071355e5743bf21d60"
MIXED = "0x28C6c06298d514Db089934071355E5743bf21d60"
OTHER = "0x21a31ee1afc51d94c2efccaa2092ad1028285549"
BITCOIN = "16ftSEQ4ctQFDtVZiUBusQUjRrGhM3JYwe"
SOLANA = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"
LASTMOD = 1_692_188_332_619


def dump(folder: Path, name: str, entries: Mapping[str, object]) -> Path:
    return written(folder, name, json.dumps(entries))


# Label dumps of explorers


def test_a_dump_is_of_the_explorer_that_its_file_is_named_after(tmp_path: Path) -> None:
    path = dump(tmp_path, "polygonscan_labels.json.gz", {MIXED: {"name": "B", "labels": ["dex"]}})
    (label,) = read(path).labels
    assert label.accounts == (f"eip155:137:{LOWER}",)
    assert label.source == "PolygonScan"
    assert label.source_url == "https://polygonscan.com/accounts/label/dex"


def test_a_dump_may_be_named_by_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / "bscscan" / "combined"
    folder.mkdir(parents=True)
    path = dump(folder, "all.json", {LOWER: {"name": "B", "labels": ["huobi"]}})
    assert read(path).labels[0].accounts == (f"eip155:56:{LOWER}",)


def test_each_slug_is_a_claim_and_each_actor_comes_once(tmp_path: Path) -> None:
    path = dump(
        tmp_path,
        "etherscan.json",
        {
            LOWER: {"name": "Binance 14", "labels": ["binance", "hot-wallet", "binance"]},
            OTHER: {"name": "", "labels": ["binance", "unheard-of"]},
        },
    )
    found = read(path)
    assert [
        (label.label, label.category, label.source_category, label.actor) for label in found.labels
    ] == [
        ("Binance 14", "exchange", "binance", "binance"),
        ("Binance 14", "hot_wallet", "hot-wallet", None),
        ("Binance", "exchange", "binance", "binance"),
        ("Unheard of", None, "unheard-of", None),
    ]
    assert [(actor.id, actor.name, actor.type) for actor in found.actors] == [
        ("binance", "Binance", ActorType.EXCHANGE)
    ]
    assert len({label.id for label in found.labels}) == 4


def test_one_address_in_two_spellings_is_one_claim(tmp_path: Path) -> None:
    entry = {"name": "Binance 14", "labels": ["binance"]}
    found = read(dump(tmp_path, "etherscan.json", {LOWER: entry, MIXED: entry}))
    assert len(found.labels) == 2
    assert len({label.id for label in found.labels}) == 1


def test_a_dump_of_no_known_explorer_needs_a_chain_for_contracts(tmp_path: Path) -> None:
    entries = {
        LOWER: {"name": "A", "labels": ["huobi"]},
        OTHER: {"name": "Pool", "labels": ["dex"]},
    }
    path = dump(tmp_path, "labels.json", entries)
    found = read(path)
    assert len(found.labels[0].accounts) == len(EVM_CHAINS)
    assert [reject.reason for reject in found.rejects] == [
        "A label dex holds on one chain; name it with --chain."
    ]
    assert not read(path, "polygon", "gnosis").rejects


def test_stray_keys_and_odd_entries_of_a_dump_are_rejects(tmp_path: Path) -> None:
    entries: dict[str, object] = {
        "": {"name": "x", "labels": ["dex"]},
        "genesis": {"name": "x", "labels": ["dex"]},
        LOWER: {"name": "ok", "labels": ["dex"]},
        MIXED.replace("C6c0", "c6C0"): {"name": "x", "labels": ["dex"]},
    }
    found = read(dump(tmp_path, "etherscan.json", entries))
    assert [(reject.line, reject.reason.split(";")[0]) for reject in found.rejects] == [
        (1, "'' is no address."),
        (2, "'genesis' is no address."),
        (4, f"{MIXED.replace('C6c0', 'c6C0')!r} has a wrong EIP-55 checksum"),
    ]
    odd: dict[str, object] = {
        LOWER: ["dex"],
        OTHER: {"name": "", "labels": []},
        "0x" + "1" * 40: {"name": 5, "labels": []},
        "0x" + "2" * 40: {"name": "only a name", "labels": []},
    }
    found = read(dump(tmp_path, "etherscan.json", odd))
    assert (len(found.rejects), [label.label for label in found.labels]) == (3, ["only a name"])


def test_a_contract_by_its_slug_is_a_contract(tmp_path: Path) -> None:
    entries: dict[str, object] = {LOWER: {"name": "Old", "labels": ["old-contract"]}}
    found = read(dump(tmp_path, "etherscan.json", entries))
    assert [(fact.id, fact.kind) for fact in found.facts] == [
        (f"eip155:1:{LOWER}", WalletKind.CONTRACT)
    ]


# Token tables and token lists

TOKENS = "address,chainId,label,name,symbol,website,image\n"


def test_a_token_row_is_token_kind_and_label_on_its_chain(tmp_path: Path) -> None:
    path = written(
        tmp_path, "t.csv", f'{TOKENS}"{MIXED}",56,"dex","Cake, The","CAKE","https://x.org","null"\n'
    )
    found = read(path)
    (token,), (label,), (fact,) = found.tokens, found.labels, found.facts
    assert (token.id, token.symbol, token.name, token.decimals) == (
        f"eip155:56/erc20:{LOWER}",
        "CAKE",
        "Cake, The",
        None,
    )
    assert (label.accounts, label.category, label.source_category) == (
        (f"eip155:56:{LOWER}",),
        "token",
        "dex",
    )
    assert fact.kind is WalletKind.CONTRACT


def test_token_rows_of_unknown_chains_or_addresses_are_rejects(tmp_path: Path) -> None:
    rows = f"{LOWER},43114,dex,A,A,,\n0x12,1,dex,A,A,,\n{LOWER},1,phish-hack,,,,\n"
    found = read(written(tmp_path, "t.csv", TOKENS + rows))
    assert [(reject.line, reject.reason) for reject in found.rejects] == [
        (2, "The chain '43114' is not in the chain table."),
        (3, "'0x12' is no EVM address; it needs 0x and 40 hex digits."),
    ]
    (token,), (label,) = found.tokens, found.labels
    assert (token.symbol, token.name) == (None, None)
    assert (label.label, label.category) == ("phish-hack", "phishing")


def listed(folder: Path, *tokens: object) -> Path:
    return written(folder, "tokens.json", json.dumps({"name": "List", "tokens": tokens}, indent=1))


def test_a_token_list_gives_decimals(tmp_path: Path) -> None:
    path = listed(
        tmp_path,
        {"chainId": 1, "address": MIXED, "symbol": "ÜSD", "name": "Ü", "decimals": 6},
        {"chainId": 101, "address": SOLANA, "symbol": "USDC", "name": "USD Coin", "decimals": 6},
    )
    found = read(path)
    assert [(token.id, token.symbol, token.decimals) for token in found.tokens] == [
        (f"eip155:1/erc20:{LOWER}", "ÜSD", 6),
        (f"{chain_of('solana').id}/token:{SOLANA}", "USDC", 6),
    ]
    assert [fact.id for fact in found.facts] == [f"eip155:1:{LOWER}"]


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        ({"chainId": 43114, "address": LOWER, "decimals": 6}, "not in the chain table"),
        ({"chainId": "1", "address": LOWER, "decimals": 6}, "lacks its chainId"),
        ({"chainId": 1, "decimals": 6}, "lacks its chainId or address"),
        ({"chainId": 1, "address": LOWER, "decimals": 256}, "0 to 255"),
        ({"chainId": 1, "address": LOWER, "decimals": True}, "0 to 255"),
        ({"chainId": 1, "address": LOWER}, "0 to 255"),
        ({"chainId": 1, "address": "0x1", "decimals": 6}, "no EVM address"),
        ("nonsense", "no object"),
    ],
)
def test_tokens_that_cannot_be_are_rejects(tmp_path: Path, token: object, reason: str) -> None:
    found = read(listed(tmp_path, token))
    assert [reason in reject.reason for reject in found.rejects] == [True]
    assert not found.tokens


# TagPacks and actor packs

PACK = """title: Test pack
creator: us
lastmod: 2023-08-16 12:18:52.619444
confidence: web_crawl
currency: ETH
source: https://example.org/list
is_cluster_definer: true
tags:
"""


def test_tags_inherit_the_header_and_may_differ(tmp_path: Path) -> None:
    tags = f"""- address: '{MIXED}'
  label: Exchange
  category: exchange
  actor: Binance
- address: {BITCOIN}
  currency: BTC
  label: Hack
  abuse: service_hack
  confidence: forensic
  source: a report on paper
  lastmod: 2021-11-12
  is_cluster_definer: false
"""
    found = read(written(tmp_path, "p.yaml", PACK + tags))
    first, second = found.labels
    assert first.accounts == (f"eip155:1:{LOWER}",)
    assert (first.source, first.source_url) == ("Test pack", "https://example.org/list")
    assert (first.category, first.source_category, first.actor) == (
        "exchange",
        "exchange",
        "binance",
    )
    assert (first.confidence, first.learned_at) == (0.2, LASTMOD)
    assert (first.valid_from, first.defines_cluster) == (None, True)
    assert second.accounts == (f"{chain_of('bitcoin').id}:{BITCOIN}",)
    assert (second.category, second.confidence, second.source_url, second.note) == (
        "hack",
        0.5,
        None,
        "a report on paper",
    )
    assert (second.learned_at, second.defines_cluster) == (1_636_675_200_000, False)


def test_each_concept_is_a_claim_and_none_is_one_too(tmp_path: Path) -> None:
    tags = f"""- {{address: '{LOWER}', label: A, category: exchange,
   concepts: [exchange, defi_dex]}}
- {{address: '{LOWER}', label: B}}
- {{address: '{LOWER}', label: C, category: unheard_of}}
"""
    found = read(written(tmp_path, "p.yaml", PACK + tags))
    assert [(label.label, label.category, label.source_category) for label in found.labels] == [
        ("A", "exchange", "exchange"),
        ("A", "dex", "defi_dex"),
        ("B", None, None),
        ("C", None, "unheard_of"),
    ]


def test_the_network_counts_before_the_currency(tmp_path: Path) -> None:
    tags = f"- {{address: '{LOWER}', label: A, currency: USDT, network: BSC}}\n"
    assert read(written(tmp_path, "p.yaml", PACK + tags)).labels[0].accounts == (
        f"eip155:56:{LOWER}",
    )


def test_the_treasurys_list_is_a_sanction_whatever_its_pack_calls_it(tmp_path: Path) -> None:
    pack = f"""title: OFAC
creator: someone
category: user
label: listed
source: https://www.treasury.gov/ofac/downloads/sdnlist.txt
tags: [{{address: '{LOWER}', currency: USDT}}, {{address: {BITCOIN}, currency: USDT}}]
"""
    found = read(written(tmp_path, "p.yaml", pack))
    assert [(label.category, label.confidence) for label in found.labels] == [
        ("user", 0.6),
        ("sanctioned", 0.6),
    ] * 2
    assert len(found.labels[0].accounts) == len(EVM_CHAINS)
    assert found.labels[2].accounts == (f"{chain_of('bitcoin').id}:{BITCOIN}",)


def test_tags_that_cannot_be_loaded_are_rejects_with_their_line(tmp_path: Path) -> None:
    tags = f"""- address: LaizKtS5DUhPuP1nTQcc83MS7HwK6vk85z
  currency: LTC
  label: L
- tx_hash: '0x12'
  label: T
- address: '{LOWER}'
- address: '{LOWER}'
  label: L
  confidence: quite sure
- {{address: '{LOWER}', label: L, lastmod: yesterday}}
- just a word
"""
    found = read(written(tmp_path, "p.yaml", PACK + tags))
    assert [(reject.line, reject.reason) for reject in found.rejects] == [
        (9, "The chain 'LTC' is not in the chain table."),
        (12, "The tag names no address; tags of transactions are not loaded."),
        (14, "The tag has no label."),
        (15, "Confidence 'quite sure' is neither a number nor a level's name."),
        (18, "'yesterday' is no date; write it as 2024-05-31."),
        (19, "The tag is no mapping."),
    ]
    assert "currency: LTC" in found.rejects[0].row


def test_options_outrank_what_a_pack_says_of_itself(tmp_path: Path) -> None:
    path = written(tmp_path, "p.yaml", f"{PACK}- {{address: '{LOWER}', label: A}}\n")
    (label,) = read(path, options=Options(learned_at=7, source="House")).labels
    assert (label.learned_at, label.source) == (7, "House")


def test_actors_have_a_type_and_safe_links(tmp_path: Path) -> None:
    pack = """%YAML 1.1
---
title: Actors
lastmod: '2023-02-17'
actors:
- id: Binance
  label: Binance
  jurisdictions: [mt, MT, NO]
  categories: [organization, exchange]
  uri: binance.com
  context: {images: ['javascript:alert(1)', coins.example.org/b.png]}
- {id: x, label: X, categories: [], uri: 'javascript:alert(1)'}
- {label: nobody}
- {id: y}
"""
    found = read(written(tmp_path, "a.yaml", pack))
    binance, nameless = found.actors
    assert (binance.id, binance.type, binance.url) == (
        "binance",
        ActorType.EXCHANGE,
        "https://binance.com",
    )
    assert binance.logo_url == "https://coins.example.org/b.png"
    assert (binance.jurisdictions, binance.source) == (("MT", "NO"), "Actors")
    assert (nameless.type, nameless.url, nameless.logo_url) == (ActorType.OTHER, None, None)
    assert [reject.reason for reject in found.rejects] == [
        "The actor has no id.",
        "The actor has no label.",
    ]


# OFAC and Forta


@pytest.mark.parametrize(
    ("ticker", "address", "accounts"),
    [
        ("ETH", MIXED, (f"eip155:1:{LOWER}",)),
        ("ARB", LOWER, (f"eip155:42161:{LOWER}",)),
        ("BSC", LOWER, (f"eip155:56:{LOWER}",)),
        ("XBT", BITCOIN, (f"{chain_of('bitcoin').id}:{BITCOIN}",)),
        ("USDT", BITCOIN, (f"{chain_of('bitcoin').id}:{BITCOIN}",)),
        ("USDC", LOWER, tuple(f"{chain.id}:{LOWER}" for chain in EVM_CHAINS)),
    ],
)
def test_the_ticker_tells_the_chain(
    tmp_path: Path, ticker: str, address: str, accounts: tuple[str, ...]
) -> None:
    text = f"# list\n{address}  \n\n"
    (label,) = read(written(tmp_path, f"sanctioned_addresses_{ticker}.txt", text)).labels
    assert (label.accounts, label.category, label.confidence) == (accounts, "sanctioned", 0.6)


def test_named_chains_narrow_where_a_stablecoins_holder_is(tmp_path: Path) -> None:
    path = written(tmp_path, "sanctioned_addresses_USDC.txt", LOWER)
    assert read(path, "bsc").labels[0].accounts == (f"eip155:56:{LOWER}",)
    assert len(read(path, "bitcoin").labels[0].accounts) == len(EVM_CHAINS)


def test_sanctioned_addresses_elsewhere_are_rejects(tmp_path: Path) -> None:
    path = written(tmp_path, "sanctioned_addresses_USDT.txt", f"{LOWER}\nTEAqwfMhXLaomXhZ8KeMhx\n")
    (reject,) = read(path).rejects
    assert (reject.line, reject.row) == (2, "TEAqwfMhXLaomXhZ8KeMhx")
    path = written(
        tmp_path, "sanctioned_addresses_DASH.txt", "XnPFsRWTaSgiVauosEwQ6dEitGYXgwznz2\n"
    )
    assert read(path).rejects[0].reason == "The chain 'DASH' is not in the chain table."


def test_phishing_addresses_say_whether_they_are_contracts(tmp_path: Path) -> None:
    text = (
        "address,etherscan_tag,etherscan_labels,is_contract\n"
        f"{MIXED},Fake_Phishing1,phish-hack,False\n{OTHER},Spam Token,phish-hack,True\n"
    )
    found = read(written(tmp_path, "phishing.csv.gz", text))
    assert [(label.label, label.category) for label in found.labels] == [
        ("Fake_Phishing1", "phishing"),
        ("Spam Token", "phishing"),
    ]
    assert [fact.kind for fact in found.facts] == [WalletKind.EOA, WalletKind.CONTRACT]


def test_a_malicious_contract_and_its_creator_are_both_labelled(tmp_path: Path) -> None:
    folder = tmp_path / "137"
    folder.mkdir()
    text = (
        "contract_address,contract_tag,contract_creator,contract_creation_tx,"
        "contract_creator_tag,source,notes,contract_creator_etherscan_label\n"
        f"{LOWER},,{OTHER},0x,,Luabase,,heist\n"
        f"{LOWER},Evil,0x12,0x,Bad Actor,DeFiHackLabs,20221017 Token,\n"
    )
    found = read(written(folder, "contracts.csv", text))
    assert [(label.accounts[0], label.label, label.category) for label in found.labels] == [
        (f"eip155:137:{LOWER}", "Malicious contract", "hack"),
        (f"eip155:137:{OTHER}", "Creator of a malicious contract", "hack"),
        (f"eip155:137:{LOWER}", "Evil", "hack"),
    ]
    assert found.labels[2].note == "20221017 Token; DeFiHackLabs"
    assert [reject.line for reject in found.rejects] == [3]


# Plain tables


def test_a_table_without_a_chain_speaks_of_every_evm_chain(tmp_path: Path) -> None:
    path = written(tmp_path, "t.csv", f"address,category\n{LOWER},exchange\n{OTHER},contract\n")
    found = read(path)
    (label,) = found.labels
    assert len(label.accounts) == len(EVM_CHAINS)
    assert (label.label, label.category, label.confidence, label.source) == (
        "exchange",
        "exchange",
        0.05,
        "t",
    )
    assert [reject.line for reject in found.rejects] == [3]
    both = read(path, "polygon", "gnosis")
    assert [len(label.accounts) for label in both.labels] == [2, 2]
    assert not both.facts
    assert [fact.id for fact in read(path, "polygon").facts] == [f"eip155:137:{OTHER}"]


def test_a_table_may_say_all_there_is_to_say(tmp_path: Path) -> None:
    text = (
        "address,chain,label,category,confidence,actor,source,source_url,valid_from,valid_to,note\n"
        f"{BITCOIN},btc,Cold,cold wallet,85%,Kraken,audit,https://a.org,2021-01-01,"
        "2022-01-01T00:00:00+01:00,n\n"
        f"{LOWER},dogecoin,Cold,cold wallet,1,,,,,,\n"
        f"{LOWER},,Hot,hot_wallet,web_crawl,,,,1600000000,,\n"
        f"{LOWER},eth,Hot,hot_wallet,0,,,,,,\n"
        f"{LOWER},eth,Hot,hot_wallet,1,,,,2022-01-01,2021-01-01,\n"
    )
    found = read(written(tmp_path, "t.csv", text))
    full, bare = found.labels
    assert (full.accounts[0], full.label, full.category) == (
        f"{chain_of('bitcoin').id}:{BITCOIN}",
        "Cold",
        "cold_wallet",
    )
    assert (full.confidence, full.actor, full.source, full.source_url, full.note) == (
        0.85,
        "kraken",
        "audit",
        "https://a.org",
        "n",
    )
    assert (full.valid_from, full.valid_to) == (1_609_459_200_000, 1_640_991_600_000)
    assert (bare.confidence, bare.valid_from) == (0.2, 1_600_000_000_000)
    assert [(reject.line, reject.reason.split(";")[0]) for reject in found.rejects] == [
        (3, "The chain 'DOGECOIN' is not in the chain table."),
        (5, "Confidence '0' is not above 0 and up to 1, or 100 %."),
        (6, "A label's valid_to must come after its valid_from."),
    ]


def test_columns_of_other_names_are_mapped(tmp_path: Path) -> None:
    path = written(tmp_path, "t.csv", f"who,what\n{LOWER},cex\n")
    dataset = Dataset(name="t", paths=(path,))
    options = Options(columns={"address": "who", "category": "what"})
    (entry,) = label_table.FORMAT.read(dataset, options)
    assert getattr(entry.record, "category", None) == "exchange"
    with pytest.raises(BadInput, match="has no column whose; name it"):
        list(label_table.FORMAT.read(dataset, Options(columns={"address": "whose"})))
    with pytest.raises(BadInput, match="no column 'amount'"):
        list(label_table.FORMAT.read(dataset, Options(columns={"amount": "who"})))


def test_json_lines_are_a_table_too(tmp_path: Path) -> None:
    rows = [{"address": LOWER, "label": "A", "chain_id": 56}, {"address": OTHER, "label": "B"}]
    path = written(tmp_path, "t.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    first, second = read(path).labels
    assert first.accounts == (f"eip155:56:{LOWER}",)
    assert len(second.accounts) == len(EVM_CHAINS)


# All formats


def test_the_same_file_says_the_same_twice_and_rows_only_grow(tmp_path: Path) -> None:
    path = written(tmp_path, "t.csv", f"address,category\n{LOWER},cex\n{OTHER},dao\n{MIXED},cex\n")
    again = read(path)
    assert read(path) == again
    assert [entry.row for entry in again.entries] == [1, 2, 3]
    ids = [label.id for label in again.labels]
    assert ids[0] == ids[2] != ids[1]


@pytest.mark.parametrize("ending", ["json.gz", "yaml.gz", "csv.gz"])
def test_a_file_that_was_cut_off_is_one_sentence(tmp_path: Path, ending: str) -> None:
    texts = {
        "json.gz": json.dumps(
            {f"0x{n:040x}": {"name": "n", "labels": ["dex"]} for n in range(999)}
        ),
        "yaml.gz": PACK + "".join(f"- {{address: '0x{n:040x}', label: L}}\n" for n in range(999)),
        "csv.gz": "address,category\n" + "".join(f"0x{n:040x},cex\n" for n in range(999)),
    }
    path = written(tmp_path, f"etherscan.{ending}", texts[ending])
    file_format = recognised(path)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(BadInput, match="damaged"):
        list(file_format.read(Dataset(name="t", paths=(path,)), Options()))


def test_formats_have_names_of_their_own_and_say_what_they_are() -> None:
    assert len({known.name for known in FORMATS}) == len(FORMATS)
    assert all(known.about and known.columns for known in FORMATS)
