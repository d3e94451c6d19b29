"""What an address is used for, in one closed list of words, and what follows from each word.

Sources speak of concepts, slugs and abuses in their own words; readers translate them to these, so
that "uses DeFi" or "sanctioned" means the same whoever said it.
"""

from enum import StrEnum
from typing import Final

from graph_api.domain.records import SERVICE_TYPES, ActorType


class Category(StrEnum):
    """One word for what an address is used for."""

    OTC_DESK = "otc_desk"
    MARKET_MAKER = "market_maker"
    PROP_TRADING = "prop_trading"
    FUND = "fund"
    EXCHANGE = "exchange"
    DEPOSIT = "deposit"
    HOT_WALLET = "hot_wallet"
    COLD_WALLET = "cold_wallet"
    CUSTODIAN = "custodian"
    PAYMENT = "payment"
    WALLET_SERVICE = "wallet_service"
    MINER = "miner"
    MEV = "mev"
    DEFI = "defi"
    DEX = "dex"
    LENDING = "lending"
    DERIVATIVES = "derivatives"
    YIELD = "yield"
    STAKING = "staking"
    BRIDGE = "bridge"
    MIXER = "mixer"
    STABLECOIN = "stablecoin"
    WRAPPED = "wrapped"
    ISSUER = "issuer"
    TOKEN = "token"  # noqa: S105 - a word for a contract, not a password
    TOKEN_SALE = "token_sale"  # noqa: S105
    AIRDROP = "airdrop"
    NFT = "nft"
    GAMING = "gaming"
    GAMBLING = "gambling"
    ORACLE = "oracle"
    GOVERNANCE = "governance"
    INFRASTRUCTURE = "infrastructure"
    CONTRACT = "contract"
    DEPLOYER = "deployer"
    BURN = "burn"
    DONATION = "donation"
    MARKETPLACE = "marketplace"
    SERVICE = "service"
    ORGANIZATION = "organization"
    WHALE = "whale"
    USER = "user"
    VICTIM = "victim"
    SANCTIONED = "sanctioned"
    BLACKLISTED = "blacklisted"
    FROZEN = "frozen"
    SCAM = "scam"
    PHISHING = "phishing"
    HACK = "hack"
    RANSOMWARE = "ransomware"
    EXTORTION = "extortion"
    DARK_MARKET = "dark_market"
    ABUSE = "abuse"
    OTHER = "other"


#: A call to one of these is a use of decentralised finance.
DEFI: Final = frozenset(
    {
        Category.DEFI,
        Category.DEX,
        Category.LENDING,
        Category.DERIVATIVES,
        Category.YIELD,
        Category.STAKING,
        Category.BRIDGE,
    }
)

#: A wallet that carries one of these warns whoever deals with it.
ILLICIT: Final = frozenset(
    {
        Category.SANCTIONED,
        Category.BLACKLISTED,
        Category.FROZEN,
        Category.SCAM,
        Category.PHISHING,
        Category.HACK,
        Category.RANSOMWARE,
        Category.EXTORTION,
        Category.DARK_MARKET,
        Category.ABUSE,
    }
)

#: What only a contract can be: such a label holds on its own chain, never on all of them.
CONTRACTS: Final = frozenset(
    {
        *DEFI,
        Category.CONTRACT,
        Category.TOKEN,
        Category.STABLECOIN,
        Category.WRAPPED,
        Category.ORACLE,
        Category.INFRASTRUCTURE,
    }
)

_ACTOR_TYPES: Final = {
    Category.HOT_WALLET: ActorType.EXCHANGE,
    Category.COLD_WALLET: ActorType.EXCHANGE,
    Category.DEPOSIT: ActorType.EXCHANGE,
    Category.STABLECOIN: ActorType.ISSUER,
    Category.WRAPPED: ActorType.ISSUER,
    Category.TOKEN: ActorType.ISSUER,
    Category.TOKEN_SALE: ActorType.ISSUER,
    Category.WALLET_SERVICE: ActorType.SERVICE,
    Category.DEFI: ActorType.SERVICE,
    Category.DERIVATIVES: ActorType.SERVICE,
    Category.YIELD: ActorType.SERVICE,
    Category.STAKING: ActorType.SERVICE,
    Category.ORACLE: ActorType.SERVICE,
    Category.GAMING: ActorType.SERVICE,
    Category.GOVERNANCE: ActorType.SERVICE,
    Category.INFRASTRUCTURE: ActorType.SERVICE,
    Category.MARKETPLACE: ActorType.SERVICE,
    Category.BLACKLISTED: ActorType.SANCTIONED,
    Category.PHISHING: ActorType.SCAM,
    Category.HACK: ActorType.SCAM,
    Category.RANSOMWARE: ActorType.SCAM,
    Category.EXTORTION: ActorType.SCAM,
    Category.ABUSE: ActorType.SCAM,
    Category.DARK_MARKET: ActorType.SCAM,
}


def actor_type(category: Category) -> ActorType:
    """What an actor is whose wallets carry ``category``."""
    known = _ACTOR_TYPES.get(category)
    if known is not None:
        return known
    words = ActorType.__members__
    return words.get(category.name, ActorType.OTHER)


#: Whoever carries one of these holds money of many others, or mixes it: walks stop there unless
#: told otherwise.
SERVICES: Final = frozenset(
    {
        *(category for category in Category if actor_type(category) in SERVICE_TYPES),
        *DEFI,
        Category.WALLET_SERVICE,
        Category.MINER,
        Category.BURN,
    }
)
