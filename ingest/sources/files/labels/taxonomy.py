"""Translates the words of label sources into our categories and actors.

Sources: the concept taxonomy of GraphSense TagPacks (INTERPOL working group, with its older names
for abuses and entities), and the label slugs of the Etherscan family of explorers
(``explorer_words.csv``: word, category, and the actor whom the word names, where it names one).
"""

import csv
import re
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Final, NamedTuple

from graph_api.domain.categories import Category, actor_type
from graph_api.domain.records import ActorType

CONCEPTS: Final = {
    "exchange": Category.EXCHANGE,
    "atm": Category.EXCHANGE,
    "wallet_service": Category.WALLET_SERVICE,
    "hosted_wallet": Category.WALLET_SERVICE,
    "escrow_wallet": Category.PAYMENT,
    "ico_wallet": Category.TOKEN_SALE,
    "cold_wallet": Category.COLD_WALLET,
    "warm_wallet": Category.HOT_WALLET,
    "hot_wallet": Category.HOT_WALLET,
    "payment_processor": Category.PAYMENT,
    "miner": Category.MINER,
    "mining_service": Category.MINER,
    "mixing_service": Category.MIXER,
    "mixing": Category.MIXER,
    "coinjoin": Category.MIXER,
    "gambling": Category.GAMBLING,
    "market": Category.MARKETPLACE,
    "shop": Category.MARKETPLACE,
    "dark_web": Category.DARK_MARKET,
    "drugs": Category.DARK_MARKET,
    "weapons": Category.DARK_MARKET,
    "collectible": Category.NFT,
    "item": Category.NFT,
    "defi": Category.DEFI,
    "defi_dex": Category.DEX,
    "defi_lending": Category.LENDING,
    "defi_derivative": Category.DERIVATIVES,
    "defi_derivatives": Category.DERIVATIVES,
    "defi_bridge": Category.BRIDGE,
    "faucet": Category.AIRDROP,
    "donation": Category.DONATION,
    "otc_desk": Category.OTC_DESK,
    "market_maker": Category.MARKET_MAKER,
    "organization": Category.ORGANIZATION,
    "user": Category.USER,
    "victim": Category.VICTIM,
    "perpetrator": Category.ABUSE,
    "service": Category.SERVICE,
    "entity": Category.OTHER,
    "concept": Category.OTHER,
    "behaviour": Category.OTHER,
    "source": Category.OTHER,
    "mention": Category.OTHER,
    "forum_mention": Category.OTHER,
    "website_mention": Category.OTHER,
    "gray_usage": Category.OTHER,
    "white_usage": Category.OTHER,
    "filesharing": Category.SERVICE,
    "index": Category.SERVICE,
    "messaging_service": Category.SERVICE,
    "search_engine": Category.SERVICE,
    "hosting": Category.SERVICE,
    "vpn": Category.SERVICE,
    "sanction": Category.SANCTIONED,
    "black_list": Category.BLACKLISTED,
    "scam": Category.SCAM,
    "investment_fraud": Category.SCAM,
    "ponzi_scheme": Category.SCAM,
    "pyramid_scheme": Category.SCAM,
    "payment_card_fraud": Category.SCAM,
    "social_engineering": Category.PHISHING,
    "phishing": Category.PHISHING,
    "hacking": Category.HACK,
    "service_hack": Category.HACK,
    "ransomware": Category.RANSOMWARE,
    "extortion": Category.EXTORTION,
    "sextortion": Category.EXTORTION,
    "abuse": Category.ABUSE,
    "financial_crime": Category.ABUSE,
    "money_laundering": Category.ABUSE,
    "violence": Category.ABUSE,
    "torture": Category.ABUSE,
    "extremism": Category.ABUSE,
    "terrorism": Category.ABUSE,
    "sexual_abuse": Category.ABUSE,
    "child_sexual_abuse": Category.ABUSE,
}

# Words of address lists that neither vocabulary has.
_LIST_WORDS: Final = {
    "airdrop_candidate": Category.AIRDROP,
    "cex": Category.EXCHANGE,
    "connection": Category.OTHER,
    "funding_ratio_whitelist": Category.OTHER,
    "fundraising": Category.DONATION,
    "gitcoin_grants": Category.DONATION,
    "giveth": Category.DONATION,
    "misc": Category.OTHER,
    "nft_power_user": Category.USER,
    "otc": Category.OTC_DESK,
    "whitelist": Category.OTHER,
}

# What an actor is above all, where a pack gives it several concepts. A DEX is nearly always called
# an exchange too, and an organization says nothing about what it does.
_TELLING: Final = (
    "sanction",
    "ransomware",
    "phishing",
    "social_engineering",
    "service_hack",
    "hacking",
    "scam",
    "dark_web",
    "drugs",
    "otc_desk",
    "market_maker",
    "mixing_service",
    "defi_dex",
    "exchange",
    "defi_bridge",
    "defi_lending",
    "defi_derivative",
    "gambling",
    "mining_service",
    "miner",
    "payment_processor",
    "collectible",
    "wallet_service",
    "service",
    "defi",
)

_TOKEN_NAME: Final = re.compile(r"\([^()]+\)$|\btoken( \d+)?$|TOKEN$", re.IGNORECASE)
_DEPOSIT_NAME: Final = re.compile(r"\bdeposit( address)?( \d+)?$", re.IGNORECASE)


class Meaning(NamedTuple):
    """What an explorer's word says: a category, and the id and name of an actor if it names one."""

    category: Category
    actor: str | None = None
    name: str | None = None


def concept(word: str) -> Category | None:
    """The category of a TagPack concept, category or abuse; None for a word that is not known."""
    key = _key(word)
    return CONCEPTS.get(key) or _own(key)


def list_word(word: str) -> Category | None:
    """The category of a word in somebody's table: ours, a list's, a concept or an explorer's."""
    key = _key(word)
    found = _own(key) or _LIST_WORDS.get(key) or CONCEPTS.get(key)
    if found is not None:
        return found
    meaning = explorer_word(word)
    return None if meaning is None else meaning.category


def explorer_word(word: str) -> Meaning | None:
    """What a slug of an Etherscan-like explorer says; None for one that is not known."""
    return explorer_words().get(word.strip().lower())


def named_category(category: Category, name: str) -> Category:
    """What the address itself is, where its name tells more than the slug that it is listed under.

    Explorers put an exchange's coin and its customers' deposit addresses under the exchange.
    """
    if category in _SAID_OF_PROJECTS:
        if _TOKEN_NAME.search(name):
            return Category.TOKEN
        if _DEPOSIT_NAME.search(name):
            return Category.DEPOSIT
    return category


def actor_type_of(concepts: Iterable[str]) -> ActorType:
    """What an actor is that a pack gives these concepts."""
    said = {_key(word) for word in concepts}
    # Pools are run by companies: a centralised exchange that was called a DEX as well.
    if "exchange" in said and said & {"mining_service", "miner"}:
        return ActorType.EXCHANGE
    for word in _TELLING:
        if word in said:
            return actor_type(CONCEPTS[word])
    return ActorType.OTHER


@cache
def explorer_words() -> dict[str, Meaning]:
    """All slugs that are known."""
    text = files(__package__).joinpath("explorer_words.csv").read_text(encoding="utf-8")
    return {
        row["word"]: Meaning(Category(row["category"]), row["actor"] or None, row["name"] or None)
        for row in csv.DictReader(text.splitlines())
    }


_OWN: Final = {category.value: category for category in Category}

_SAID_OF_PROJECTS: Final = frozenset(
    {
        Category.BRIDGE,
        Category.CUSTODIAN,
        Category.DEFI,
        Category.DERIVATIVES,
        Category.DEX,
        Category.EXCHANGE,
        Category.FUND,
        Category.GAMBLING,
        Category.ISSUER,
        Category.LENDING,
        Category.MIXER,
        Category.OTC_DESK,
        Category.PAYMENT,
        Category.PROP_TRADING,
        Category.STAKING,
        Category.YIELD,
    }
)


def _own(key: str) -> Category | None:
    return _OWN.get(key)


def _key(word: str) -> str:
    return re.sub(r"[\s-]+", "_", word.strip().lower())
