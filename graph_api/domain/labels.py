"""Claims about addresses: whom a claim speaks of, how sure it is, and what makes it the same claim.

Source of the confidence names: the confidence table of GraphSense TagPacks (levels of 5 to 100).
"""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Final, NamedTuple

from graph_api.domain.addresses import evm_address, normal_address
from graph_api.domain.categories import CONTRACTS, Category
from graph_api.domain.chains import EVM_CHAINS, Chain, Family
from graph_api.domain.errors import BadInput
from graph_api.domain.ids import AccountId
from graph_api.domain.records import Label

CONFIDENCE: Final = {
    "override": 1.0,
    "ownership": 1.0,
    "ledger_immanent": 1.0,
    "manual_transaction": 0.9,
    "trusted_transaction": 0.9,
    "service_api": 0.7,
    "forensic_investigation": 0.7,
    "authority_data": 0.6,
    "authority": 0.6,
    "trusted_provider": 0.5,
    "service_data": 0.5,
    "forensic": 0.5,
    "untrusted_transaction": 0.4,
    "web_crawl": 0.2,
    "heuristic": 0.1,
    "unknown": 0.05,
}

MAX_TEXT: Final = 500


class Subject(NamedTuple):
    """Whom a claim speaks of. ``key`` is the same whichever chains a load asked for."""

    key: str
    accounts: tuple[AccountId, ...]


def on_chain(chain: Chain, address: str) -> Subject:
    """``address`` on ``chain`` alone. Raises: BadInput."""
    account = AccountId(f"{chain.id}:{normal_address(chain, address)}")
    return Subject(account, (account,))


def on_chains(address: str, chains: Sequence[Chain] = (), *, category: Category | None) -> Subject:
    """``address`` of a source that names no chain: on ``chains``, or on every EVM chain.

    A contract is another contract on another chain, so what only a contract can be needs
    ``chains``. Raises: BadInput.
    """
    if not chains and category in CONTRACTS:
        raise BadInput(f"A label {category!s} holds on one chain; name it with --chain.")
    evm = [chain for chain in chains or EVM_CHAINS if chain.family is Family.EVM]
    if address[:2].lower() != "0x":
        return _elsewhere(address, chains)
    if not evm:
        raise BadInput(f"{address[:90]!r} is an EVM address; --chain names none of their chains.")
    normal = evm_address(address)
    return Subject(f"eip155:{normal}", tuple(AccountId(f"{chain.id}:{normal}") for chain in evm))


def claim(
    subject: Subject,
    label: str,
    *,
    source: str,
    confidence: float,
    category: Category | None = None,
    source_category: str | None = None,
    source_url: str | None = None,
    actor: str | None = None,
    valid_from: int | None = None,
    valid_to: int | None = None,
    learned_at: int | None = None,
    defines_cluster: bool | None = None,
    note: str | None = None,
) -> Label:
    """The label that ``source`` puts on ``subject``; its id is the same in every load.

    Raises: BadInput when the confidence is no fraction, the text empty or the validity inverted.
    """
    text = plain(label)
    if not text:
        raise BadInput("A label needs a text.")
    if not 0 < confidence <= 1:
        raise BadInput(f"Confidence {confidence:g} is no fraction above 0 and up to 1.")
    if valid_from is not None and valid_to is not None and valid_to <= valid_from:
        raise BadInput("A label's valid_to must come after its valid_from.")
    word = source_category if source_category is not None else category
    return Label(
        id=label_id(
            subject.key, text, source=source, word=word, valid_from=valid_from, valid_to=valid_to
        ),
        accounts=subject.accounts,
        label=text,
        category=None if category is None else category.value,
        confidence=confidence,
        source=source,
        source_url=source_url,
        actor=actor,
        valid_from=valid_from,
        valid_to=valid_to,
        learned_at=learned_at,
        source_category=source_category,
        defines_cluster=defines_cluster,
        note=note,
    )


def label_id(
    key: str,
    label: str,
    *,
    source: str,
    word: str | None,
    valid_from: int | None,
    valid_to: int | None,
) -> str:
    """What makes a claim the same claim: who says it, of whom, in which words, for which time.

    The source's own ``word`` counts and not our category for it: a translation that gets better
    must not double the claim. So do neither confidence nor the day on which we learned it.
    """
    parts = (source, label, word or "", str(valid_from), str(valid_to), key)
    return "label:" + blake2b("\x1f".join(parts).encode(), digest_size=16).hexdigest()


def label_order(label: Label) -> str:
    """Sorts labels of one actor, category or word: the surest first, then by their ids."""
    doubt = 1000 - round(label.confidence * 1000)
    return f"{doubt:04d}|{blake2b(label.id.encode(), digest_size=8).hexdigest()}"


def plain(text: str) -> str:
    """``text`` on one line, without control characters, cut at a length that can be shown."""
    line = " ".join(text.split())
    if not line.isprintable():
        line = "".join(sign for sign in line if sign.isprintable())
    return line if len(line) <= MAX_TEXT else line[: MAX_TEXT - 1] + "…"


def _elsewhere(address: str, chains: Sequence[Chain]) -> Subject:
    others = [chain for chain in chains if chain.family is not Family.EVM]
    if not others:
        raise BadInput(f"{address[:90]!r} is no EVM address; name its chain with --chain.")
    refusal: BadInput | None = None
    for chain in others:
        try:
            return on_chain(chain, address)
        except BadInput as error:
            refusal = error
    raise refusal or BadInput(f"{address[:90]!r} is no address of the chains of --chain.")
