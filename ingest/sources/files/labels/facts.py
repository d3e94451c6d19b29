"""Reads the small things that label files say in many ways: chains, moments, links, confidences."""

from datetime import UTC, date, datetime, time
from typing import Final

from graph_api.domain.categories import Category
from graph_api.domain.chains import Chain, Family, chain_of
from graph_api.domain.errors import BadInput
from graph_api.domain.labels import CONFIDENCE, Subject, on_chain, on_chains
from ingest.sources.files.format import Options

# Coins that live on several chains: their ticker names no chain, the address's shape tells.
_TOKENS: Final = frozenset({"USDT", "USDC", "DAI", "BUSD", "TUSD", "WBTC", "WETH", "EURT", "XAUT"})
_EVM_WORDS: Final = frozenset({"EVM", "EIP155"})


def subject(
    address: str, chain: str | None, options: Options, *, category: Category | None
) -> Subject:
    """Whom a row speaks of: ``address`` on ``chain`` as its file names it, or where none is named
    on the chains of ``--chain``, else on every EVM chain.

    Raises: BadInput for a chain that is not in the table, or no address of it.
    """
    address = address.strip()
    if not address:
        raise BadInput("The row names no address.")
    word = (chain or "").strip().upper()
    if not word:
        return on_chains(address, options.chains, category=category)
    if word in _EVM_WORDS:
        return on_chains(address, category=None)
    if word in _TOKENS:
        return _token_holder(address, word, options)
    return on_chain(known_chain(word), address)


def known_chain(word: str) -> Chain:
    """The chain that a file calls ``word``: a ticker, a slug, a number or a CAIP-2 id.

    Raises: BadInput.
    """
    try:
        return chain_of(word)
    except BadInput:
        raise BadInput(f"The chain {word[:40]!r} is not in the chain table.") from None


def moment_ms(value: str | None) -> int | None:
    """Epoch milliseconds of a date or time (ISO 8601, UTC where it names no zone), or of Unix
    seconds; None for nothing. Raises: BadInput."""
    text = (value or "").strip()
    if not text:
        return None
    if text.isdigit() and len(text) in (9, 10, 13):
        return int(text) * (1 if len(text) == 13 else 1000)
    try:
        if len(text) == 10:
            moment = datetime.combine(date.fromisoformat(text), time())
        else:
            moment = datetime.fromisoformat(text)
    except ValueError:
        raise BadInput(f"{text[:40]!r} is no date; write it as 2024-05-31.") from None
    return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def confidence_of(value: str | None, default: float) -> float:
    """A fraction from a fraction, a percentage (above 1) or a TagPack level's name.

    Raises: BadInput.
    """
    text = (value or "").strip().lower()
    if not text:
        return default
    if text in CONFIDENCE:
        return CONFIDENCE[text]
    try:
        number = float(text.removesuffix("%"))
    except ValueError:
        raise BadInput(
            f"Confidence {text[:40]!r} is neither a number nor a level's name."
        ) from None
    fraction = number / 100 if number > 1 or text.endswith("%") else number
    if not 0 < fraction <= 1:
        raise BadInput(f"Confidence {text[:40]!r} is not above 0 and up to 1, or 100 %.")
    return fraction


def link(value: object) -> str | None:
    """An address of the web that is safe to show as a link, or None. Bare hosts become https."""
    text = value.strip() if isinstance(value, str) else ""
    if not text or not text.isprintable() or any(sign in text for sign in " \"'<>\\`"):
        return None
    if text.lower().startswith(("https://", "http://")):
        return text[:2000]
    host = text.split("/", 1)[0]
    named = "." in host.strip(".") and all(part for part in host.split("."))
    return f"https://{text[:2000]}" if named and ":" not in host and "@" not in host else None


def yes(value: object) -> bool | None:
    """A YAML or CSV truth value; None where the file says nothing or something else."""
    text = str(value).strip().lower()
    if text in ("true", "yes", "1"):
        return True
    return False if text in ("false", "no", "0") else None


def _token_holder(address: str, ticker: str, options: Options) -> Subject:
    if address[:2].lower() == "0x":
        evm = [chain for chain in options.chains if chain.family is Family.EVM]
        return on_chains(address, evm, category=None)
    bitcoin = chain_of("bitcoin")
    try:
        return on_chain(bitcoin, address)
    except BadInput:
        raise BadInput(
            f"The {ticker} address {address[:90]!r} is of a chain that is not in the table."
        ) from None
