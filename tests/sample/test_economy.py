"""The sample economy, read back through the readers that a load uses."""

import hashlib
import json
import os
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

import pytest

from deskgraph.sample import SIZES, cast, write_economy
from graph_api.analysis.allocation import transfers
from graph_api.domain.addresses import ZERO_EVM
from graph_api.domain.chains import chain_of
from graph_api.domain.errors import BadInput
from graph_api.domain.ids import address_of
from graph_api.domain.records import (
    Actor,
    Approval,
    Block,
    Label,
    Receipt,
    Record,
    Reject,
    Swap,
    Token,
    Transaction,
    Transfer,
    UtxoTransaction,
)
from ingest.sources.files.format import Dataset, Options
from ingest.sources.files.formats import FORMATS
from ingest.sources.files.inputs import sniff

SEED = 7
SUBSIDY = 312_500_000
PRINT_DIGESTS = """
import hashlib, sys
from pathlib import Path
from deskgraph.sample import write_economy
for path in write_economy(Path(sys.argv[1]), seed=7, size="small"):
    print(hashlib.sha256(path.read_bytes()).hexdigest())
"""


R = TypeVar("R", bound=Record)


class Economy:
    """The files of one economy and what the readers make of them."""

    def __init__(self, folder: Path) -> None:
        truth = folder / "truth.json"
        self.paths = write_economy(folder / "files", seed=SEED, size="small", truth=truth)
        self.truth: dict[str, Any] = json.loads(truth.read_text(encoding="utf-8"))
        self.files = {f"{path.parent.name}/{path.name}": read(path) for path in self.paths}

    def all(self, kind: type[R], file: str) -> list[R]:
        return [record for record in self.files[file] if isinstance(record, kind)]


def read(path: Path) -> list[Record | Reject]:
    columns = sniff(path).columns
    form = next(form for form in FORMATS if form.recognises(columns, path.name))
    folder = path.parent.name
    options = Options(chains=() if folder == "labels" else (chain_of(folder),))
    entries = form.read(Dataset(name=path.name, paths=(path,)), options)
    return [entry.record for entry in entries]


@pytest.fixture(scope="module")
def economy(tmp_path_factory: pytest.TempPathFactory) -> Economy:
    return Economy(tmp_path_factory.mktemp("economy"))


def test_the_same_seed_gives_the_same_bytes_in_any_process(
    economy: Economy, tmp_path: Path
) -> None:
    printed = subprocess.run(
        [sys.executable, "-c", PRINT_DIGESTS, str(tmp_path)],
        env=os.environ | {"PYTHONHASHSEED": "1", "TZ": "Asia/Tokyo"},
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()

    assert printed == [hashlib.sha256(path.read_bytes()).hexdigest() for path in economy.paths]


def test_another_seed_and_another_last_day_give_another_economy(
    economy: Economy, tmp_path: Path
) -> None:
    paths = write_economy(tmp_path, seed=SEED + 1, size="small", last_day=date(2026, 6, 30))
    others = [record for path in paths[:1] for record in read(path)]
    times = [record.time for record in others if isinstance(record, Block)]
    known = {block.hash for block in economy.all(Block, "ethereum/blocks.csv")}

    assert known.isdisjoint(record.hash for record in others if isinstance(record, Block))
    assert max(time for time in times if time) == pytest.approx(day_ms(2026, 7, 1), abs=86_400_000)
    assert min(time for time in times if time) == day_ms(2026, 5, 2)


def day_ms(year: int, month: int, day: int) -> int:
    return int(datetime(year, month, day, tzinfo=UTC).timestamp() * 1000)


def test_an_unknown_size_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="small, medium, large"):
        write_economy(tmp_path, seed=1, size="huge")
    assert list(SIZES) == ["small", "medium", "large"]


def test_every_file_is_read_without_a_reject(economy: Economy) -> None:
    rejects = [
        record for file in economy.files.values() for record in file if isinstance(record, Reject)
    ]

    assert rejects == []
    assert all(economy.files.values())


def test_small_holds_about_two_thousand_transfers(economy: Economy) -> None:
    status = {r.transaction: r.status for r in economy.all(Receipt, "ethereum/receipts.csv.gz")}
    native = [
        record
        for record in economy.all(Transaction, "ethereum/transactions.csv.gz")
        if record.value_raw and status[record.id]
    ]
    tokens = economy.all(Transfer, "ethereum/logs.csv.gz")
    polygon = economy.all(Transfer, "polygon/transfers.csv")
    bitcoin = [transfer for record in bitcoins(economy) for transfer in transfers(record)]

    assert 1_800 <= len(native) + len(tokens) + len(polygon) + len(bitcoin) <= 2_700
    assert min(len(native), len(tokens), len(polygon), len(bitcoin)) > 150


def test_logs_and_token_transfers_tell_the_same(economy: Economy) -> None:
    from_logs = economy.all(Transfer, "ethereum/logs.csv.gz")
    decoded = economy.all(Transfer, "ethereum/token_transfers.csv")

    def told(found: list[Transfer]) -> list[tuple[object, ...]]:
        return [(t.id, t.sender, t.recipient, t.token, t.amount_raw, t.order) for t in found]

    assert told(from_logs) == told(decoded)


def test_token_balances_never_fall_below_zero_and_add_up_to_the_supply(economy: Economy) -> None:
    held: Counter[tuple[str | None, str | None]] = Counter()
    for transfer in economy.all(Transfer, "ethereum/logs.csv.gz"):
        assert transfer.amount_raw is not None
        held[transfer.token, transfer.sender] -= transfer.amount_raw
        held[transfer.token, transfer.recipient] += transfer.amount_raw
        if transfer.sender and address_of(transfer.sender) != ZERO_EVM:
            assert held[transfer.token, transfer.sender] >= 0

    minted = {
        token: -amount
        for (token, owner), amount in held.items()
        if owner and address_of(owner) == ZERO_EVM  # type: ignore[arg-type]
    }

    tokens = economy.all(Token, "ethereum/tokens.csv")
    assert minted == {token.id: token.total_supply_raw for token in tokens}


def test_tokens_include_the_odd_ones(economy: Economy) -> None:
    tokens = {token.symbol: token for token in economy.all(Token, "ethereum/tokens.csv")}
    largest = Counter[str | None]()
    for transfer in economy.all(Transfer, "ethereum/logs.csv.gz"):
        largest[transfer.token] = max(largest[transfer.token], transfer.amount_raw or 0)

    assert {token.decimals for token in tokens.values()} == {0, 6, 8, 18, 30}
    assert [symbol for symbol in tokens if not str(symbol).isascii()] == [
        "SEAT🎟",
        "Ångstrøm",
        "ДОГ",
    ]
    assert largest[tokens["ДОГ"].id] > 2**64
    assert any(
        token.total_supply_raw and token.total_supply_raw > 2**100 for token in tokens.values()
    )


def test_calls_of_every_sort_occur(economy: Economy) -> None:
    transactions = economy.all(Transaction, "ethereum/transactions.csv.gz")
    receipts = economy.all(Receipt, "ethereum/receipts.csv.gz")
    approvals = economy.all(Approval, "ethereum/logs.csv.gz")
    swaps = economy.all(Swap, "ethereum/logs.csv.gz")
    failed = {receipt.transaction for receipt in receipts if receipt.status == 0}

    assert any(record.value_raw and record.id in failed for record in transactions)
    assert sum(record.value_raw == 0 and bool(record.method_id) for record in transactions) > 500
    assert sum(record.creates for record in transactions) == sum(
        receipt.contract is not None for receipt in receipts
    )
    created = {receipt.contract for receipt in receipts if receipt.contract}
    assert created == {record.recipient for record in transactions if record.creates}
    assert {swap.pool for swap in swaps} < created
    assert {swap.protocol for swap in swaps} == {"uniswap_v2", "uniswap_v3"}
    assert all(swap.amount0_raw * swap.amount1_raw < 0 for swap in swaps)
    assert approvals


def test_an_approval_comes_before_the_first_swap_of_a_token(economy: Economy) -> None:
    allowed: set[tuple[str, str]] = set()
    moved = {
        transfer.transaction: transfer
        for transfer in reversed(economy.all(Transfer, "ethereum/logs.csv.gz"))
    }
    for record in economy.files["ethereum/logs.csv.gz"]:
        if isinstance(record, Approval):
            allowed.add((record.owner, record.token))
        if isinstance(record, Swap):
            paid = moved[record.transaction]
            assert (paid.sender, paid.token) in allowed


def test_nonces_have_no_gap_and_blocks_follow_their_parents(economy: Economy) -> None:
    blocks = {block.number: block for block in economy.all(Block, "ethereum/blocks.csv")}
    transactions = economy.all(Transaction, "ethereum/transactions.csv.gz")
    places = [(record.block_number, record.index) for record in transactions]

    assert places == sorted(places)
    assert len(set(places)) == len(places) == len({record.hash for record in transactions})
    assert {record.block_number for record in transactions} == set(blocks)
    for block in blocks.values():
        if before := blocks.get(block.number - 1):
            assert block.parent_hash == before.hash
    assert all(blocks[r.block_number or 0].time == r.block_time for r in transactions)


def bitcoins(economy: Economy) -> list[UtxoTransaction]:
    return economy.all(UtxoTransaction, "bitcoin/transactions.json.gz")


def test_bitcoin_outputs_are_spent_once_and_what_they_hold_is_kept(economy: Economy) -> None:
    made: dict[str, tuple[str | None, int]] = {}
    spent: set[str] = set()
    from_before = fresh = 0
    for record in bitcoins(economy):
        fresh += record.coinbase
        for spend in record.inputs:
            assert spend.output not in spent
            spent.add(spend.output)
            known = made.get(spend.output)
            if known is None:
                from_before += spend.amount_raw or 0
            else:
                assert known == (spend.owner, spend.amount_raw)
        made.update({out.id: (out.owner, out.amount_raw) for out in record.outputs})

    left = sum(amount for output, (_, amount) in made.items() if output not in spent)
    blocks = economy.all(Block, "bitcoin/blocks.json")
    assert fresh == len(blocks)
    # What the fees take is in the coinbases: nothing is lost.
    assert left == from_before + SUBSIDY * len(blocks)


def test_bitcoin_has_its_shapes(economy: Economy) -> None:
    records = {record.hash: record for record in bitcoins(economy)}
    scripts = [out.script or "" for record in records.values() for out in record.outputs]

    for txid in economy.truth["coinjoins"]:
        equal = Counter(out.amount_raw for out in records[txid].outputs).most_common(1)[0]
        assert equal[1] == len({spend.owner for spend in records[txid].inputs}) >= 3
    for chain in economy.truth["peel_chains"]:
        assert len(chain) > 10
        for before, after in pairwise(chain):
            change = max(records[before].outputs, key=lambda out: out.amount_raw)
            assert [spend.output for spend in records[after].inputs] == [change.id]
    assert max(len(record.inputs) for record in records.values()) >= 4
    assert max(len(record.outputs) for record in records.values()) >= 5
    assert any(script.startswith("6a") for script in scripts)
    assert any(script.endswith("52ae") for script in scripts)
    owners = {
        out.owner.rpartition(":")[2][:3] for r in records.values() for out in r.outputs if out.owner
    }
    assert {owner[0] for owner in owners} >= {"1", "3", "b"}


def moved(economy: Economy) -> dict[str, tuple[str, int, int]]:
    """Token symbol, base units and time of every payment that a settlement may name."""
    symbols = {token.id: str(token.symbol) for token in economy.all(Token, "ethereum/tokens.csv")}
    times = {}
    found = {}
    for record in economy.all(Transaction, "ethereum/transactions.csv.gz"):
        times[record.id] = record.block_time or 0
        if record.value_raw:
            found[record.hash] = ("ETH", record.value_raw, times[record.id])
    for transfer in economy.all(Transfer, "ethereum/logs.csv.gz"):
        assert transfer.transaction
        assert transfer.token
        found[address_of(transfer.transaction)] = (  # type: ignore[arg-type]
            symbols[transfer.token],
            transfer.amount_raw or 0,
            times[transfer.transaction],
        )
    for utxo in bitcoins(economy):
        found[utxo.hash] = ("BTC", utxo.outputs[0].amount_raw, utxo.block_time or 0)
    return found


UNITS = {"BTC": 8, "WBTC": 8, "WETH": 18, "ETH": 18, "USDC": 6, "USDT": 6}


def test_desks_settle_in_two_legs_within_hours_near_the_reference_price(economy: Economy) -> None:
    payments = moved(economy)
    opens_at = min(block.time or 0 for block in economy.all(Block, "ethereum/blocks.csv"))
    offsets = {cast.slug(desk.name): desk.offset_hours for desk in cast.DESKS}
    settled = [deal for deal in economy.truth["settlements"] if deal["legs"]["out"]]

    assert len(settled) > 80
    assert {deal["desk"] for deal in settled} == set(offsets)
    for deal in settled:
        [first] = (payments[leg] for leg in deal["legs"]["in"])
        later = [payments[leg] for leg in deal["legs"]["out"]]
        asset, dollars = ([first], later) if deal["client_sells"] else (later, [first])
        price = worth(dollars) / worth(asset)
        day = (first[2] - opens_at) // 86_400_000
        coin = "BTC" if "BTC" in deal["asset"] else "ETH"
        reference = economy.truth["prices_usd_cents"][coin][day : day + 2]
        local = datetime.fromtimestamp(deal["opened_at"] + 3600 * offsets[deal["desk"]], UTC)

        assert {leg[0] for leg in dollars} < {"USDC", "USDT"}
        assert all(0 < leg[2] - first[2] <= 6 * 3_600_000 for leg in later)
        assert 0.99 * min(reference) <= 100 * price <= 1.01 * max(reference)
        assert local.weekday() < 5
        assert 9 <= local.hour < 17


def worth(legs: list[tuple[str, int, int]]) -> float:
    return sum(amount / float(10 ** UNITS[symbol]) for symbol, amount, _ in legs)


def test_deposit_addresses_are_swept_to_their_exchange(economy: Economy) -> None:
    hot = {
        cast.slug(name): {cast.address(SEED, f"{name} hot {number}") for number in (1, 2)}
        for name in cast.EXCHANGES
    }
    left = defaultdict(set)
    for transfer in economy.all(Transfer, "ethereum/logs.csv.gz"):
        if transfer.sender:
            left[address_of(transfer.sender)].add(address_of(transfer.recipient))

    deposits = economy.truth["deposit_addresses"]
    swept = [address for address in deposits if address in left]

    assert len(swept) > 10
    assert all(left[address] <= hot[deposits[address]] for address in swept)


def test_mixed_money_leaves_to_addresses_without_a_past(economy: Economy) -> None:
    seen: set[str] = set()
    first_seen = {}
    for transfer in economy.all(Transfer, "ethereum/logs.csv.gz"):
        assert transfer.transaction
        if transfer.recipient not in seen:
            first_seen[address_of(transfer.recipient)] = address_of(transfer.transaction)  # type: ignore[arg-type]
        seen.add(transfer.recipient)

    assert len(economy.truth["mixed"]) > 5
    for pair in economy.truth["mixed"]:
        assert first_seen[pair["recipient"]] == pair["out"]


def test_a_few_users_do_most(economy: Economy) -> None:
    users = {cast.address(SEED, f"user {number}") for number in range(60)}
    acts = Counter(
        address_of(record.sender)
        for record in economy.all(Transaction, "ethereum/transactions.csv.gz")
        if address_of(record.sender) in users
    )
    busiest = sum(count for _, count in acts.most_common(12))

    assert len(acts) > 40
    assert busiest > 0.45 * acts.total()


def labels(economy: Economy) -> Iterator[Label]:
    for file in ("labels/desks.yaml", "labels/tagpack.yaml"):
        yield from economy.all(Label, file)


def test_labels_name_invented_actors_and_leave_one_desk_to_be_found(economy: Economy) -> None:
    actors = economy.all(Actor, "labels/desks.yaml")
    unlisted = [desk for desk in cast.DESKS if not desk.listed]
    labelled = {address_of(account) for label in labels(economy) for account in label.accounts}
    registry = Path(sys.modules["deskgraph"].__file__ or "").parent / "registry"
    curated = "".join(path.read_text(encoding="utf-8") for path in registry.glob("*.yaml"))

    assert all(actor.id.startswith("sample-") for actor in actors)
    assert not any(actor.name in curated for actor in actors)
    assert not any(address in curated.lower() for address in labelled)
    assert [desk.name for desk in unlisted] == ["Sablefen"]
    assert cast.slug("Sablefen") not in {actor.id for actor in actors}
    assert cast.address(SEED, "Sablefen") not in labelled


def test_labelled_wallets_take_part(economy: Economy) -> None:
    active = {
        account
        for transfer in economy.all(Transfer, "ethereum/logs.csv.gz")
        for account in (transfer.sender, transfer.recipient)
    }
    active |= {
        record.recipient for record in economy.all(Transaction, "ethereum/transactions.csv.gz")
    }
    active |= {record.sender for record in economy.all(Transaction, "ethereum/transactions.csv.gz")}
    active |= {out.owner for record in bitcoins(economy) for out in record.outputs}

    silent = [label.label for label in labels(economy) if active.isdisjoint(label.accounts)]

    assert silent == []
