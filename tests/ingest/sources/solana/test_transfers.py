"""What transactions moved, by Solana's own programs: in every encoding, to the last lamport."""

import random
from collections.abc import Callable

import pytest
from solders import system_program as system
from solders.account import Account
from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.instruction import Instruction
from solders.pubkey import Pubkey

from graph_api.domain.records import Token, Transaction, WalletFact
from tests.ingest.sources.solana import programs as spl
from tests.ingest.sources.solana.reading import (
    SOLANA,
    moved,
    read,
    told_changes,
    transfers,
    true_changes,
)
from tests.ingest.sources.solana.validator import WRAPPED, Done, Validator

NOBODY = "1" * 32
RENT = 2_039_280
NATIVE = Pubkey.from_string(WRAPPED)


@pytest.fixture
def chain() -> Validator:
    return Validator()


class People:
    """Two wallets and a mint of six decimals; alice has 1,000 of it."""

    def __init__(self, chain: Validator) -> None:
        self.chain = chain
        self.alice, self.bob = chain.wallet(1), chain.wallet(2)
        self.a, self.b = self.alice.pubkey(), self.bob.pubkey()
        self.mint = chain.wallet(3, lamports=0)
        self.m = self.mint.pubkey()
        self.at_alice = spl.associated(self.a, self.m)
        self.at_bob = spl.associated(self.b, self.m)
        self.founded = chain.send(
            self.alice,
            [
                _create(self.a, self.m, space=82, rent=1_461_600, owner=spl.SPL),
                spl.found_mint(self.m, self.a, decimals=6),
                spl.create_associated(self.a, self.a, self.m),
                spl.mint_to(self.m, self.at_alice, self.a, 1_000),
            ],
            self.mint,
        )

    def send(self, *instructions: Instruction, **more: object) -> Done:
        return self.chain.send(self.alice, instructions, self.bob, **more)  # type: ignore[arg-type]


@pytest.fixture
def people(chain: Validator) -> People:
    return People(chain)


def _create(payer: Pubkey, to: Pubkey, *, space: int, rent: int, owner: Pubkey) -> Instruction:
    return system.create_account(
        system.CreateAccountParams(
            from_pubkey=payer, to_pubkey=to, lamports=rent, space=space, owner=owner
        )
    )


def _pay(source: Pubkey, to: Pubkey, lamports: int) -> Instruction:
    return system.transfer(
        system.TransferParams(from_pubkey=source, to_pubkey=to, lamports=lamports)
    )


def agreed(*done: Done) -> list[tuple[str, str | None, str, str | None, int | None]]:
    """The moves of a block, after every check that holds for all."""
    assert not [one.error for one in done if one.error]
    records = read(*done)
    assert read(*done, encoding="jsonParsed") == records
    assert read(*done, encoding="base64") == records
    seen = {key: n for key, n in told_changes(records).items() if not key[0].endswith(NOBODY)}
    assert seen == true_changes(done)
    found = transfers(records)
    assert len({one.id for one in found}) == len(found)
    return moved(records)


def test_lamports_and_a_token_account_of_another(people: People) -> None:
    a, b, m = str(people.a), str(people.b), str(people.m)

    assert agreed(people.founded) == [
        ("ix:0", a, m, None, 1_461_600),
        ("ix:3", None, a, m, 1_000),
    ]
    done = people.send(
        _pay(people.a, people.b, 7),
        _pay(people.a, people.a, 8),
        _pay(people.a, people.b, 0),
        spl.create_associated(people.a, people.b, people.m),
        spl.send(people.at_alice, people.at_bob, people.a, 30),
        spl.send_checked(people.at_alice, people.m, people.at_bob, people.a, 12, decimals=6),
    )
    # The rent of bob's account is bob's: he may close it. The fourth instruction calls the token
    # program (1), the system program (2), and the token program twice.
    assert agreed(done) == [
        ("ix:0", a, b, None, 7),
        ("ix:1", a, a, None, 8),
        ("ix:3.2", a, b, None, RENT),
        ("ix:4", a, b, m, 30),
        ("ix:5", a, b, m, 12),
    ]
    [transaction, *_] = read(done)
    assert isinstance(transaction, Transaction)
    assert (transaction.sender, transaction.fee_raw, transaction.status) == (
        f"{SOLANA.id}:{a}",
        5_000,
        1,
    )
    assert [(one.address, one.decimals) for one in read(done) if isinstance(one, Token)] == [(m, 6)]
    assert [one.amount for one in transfers(read(done))][3:] == [0.00003, 0.000012]


def test_burning_and_closing_give_back(people: People) -> None:
    a, b, m = str(people.a), str(people.b), str(people.m)

    done = people.send(
        spl.burn(people.at_alice, people.m, people.a, 1_000),
        spl.close(people.at_alice, people.b, people.a),
    )

    assert agreed(done) == [("ix:0", a, NOBODY, m, 1_000), ("ix:1", a, b, None, RENT)]


def test_an_account_that_lives_within_one_transaction_has_its_owner(people: People) -> None:
    passing = people.chain.wallet(9, lamports=0)
    p = passing.pubkey()

    done = people.chain.send(
        people.alice,
        [
            _create(people.a, p, space=165, rent=RENT, owner=spl.SPL),
            spl.open_account(p, people.m, people.b),
            spl.send(people.at_alice, p, people.a, 5),
            spl.send(p, people.at_alice, people.b, 5),
            spl.close(p, people.a, people.b),
        ],
        people.bob,
        passing,
    )

    a, b, m = str(people.a), str(people.b), str(people.m)
    assert agreed(done) == [
        ("ix:0", a, b, None, RENT),
        ("ix:2", a, b, m, 5),
        ("ix:3", b, a, m, 5),
        ("ix:4", b, a, None, RENT),
    ]
    assert not [one for one in read(done) if isinstance(one, WalletFact)]


def test_sol_is_wrapped_sent_and_unwrapped(people: People) -> None:
    a, b = str(people.a), str(people.b)
    at_alice, at_bob = spl.associated(people.a, NATIVE), spl.associated(people.b, NATIVE)

    wrapped = people.send(
        spl.create_associated(people.a, people.a, NATIVE),
        spl.create_associated(people.a, people.b, NATIVE),
        _pay(people.a, at_alice, 900),
        spl.sync(at_alice),
        spl.send(at_alice, at_bob, people.a, 400),
    )
    assert agreed(wrapped) == [
        ("ix:0.2", a, WRAPPED, None, RENT),
        ("ix:1.2", a, WRAPPED, None, RENT),
        ("ix:2", a, WRAPPED, None, 900),
        ("ix:3", None, a, WRAPPED, 900),
        ("ix:4", a, b, WRAPPED, 400),
    ]
    unwrapped = people.send(spl.close(at_bob, people.a, people.b), _pay(people.a, at_alice, 50))
    # What is not synchronised yet is no token, and lies with the mint already.
    assert agreed(unwrapped) == [
        ("ix:0.0.1", b, NOBODY, WRAPPED, 400),
        ("ix:0", WRAPPED, a, None, RENT + 400),
        ("ix:1", a, WRAPPED, None, 50),
    ]
    # A later synchronisation finds it: no effect of the transaction says how much.
    assert agreed(people.send(spl.sync(at_alice))) == [("trace:0", None, a, WRAPPED, 50)]


def test_an_account_made_with_what_it_wraps(people: People) -> None:
    passing = people.chain.wallet(9, lamports=0)
    p = passing.pubkey()

    done = people.chain.send(
        people.alice,
        [
            _create(people.a, p, space=165, rent=RENT + 77, owner=spl.SPL),
            spl.open_account(p, NATIVE, people.a),
            spl.close(p, people.a, people.a),
        ],
        passing,
    )

    a = str(people.a)
    assert agreed(done) == [
        ("ix:0", a, WRAPPED, None, RENT + 77),
        ("ix:1", None, a, WRAPPED, 77),
        ("ix:2.0.1", a, NOBODY, WRAPPED, 77),
        ("ix:2", WRAPPED, a, None, RENT + 77),
    ]


def test_an_account_that_is_handed_over_takes_its_balance_along(people: People) -> None:
    a, b, m = str(people.a), str(people.b), str(people.m)
    free = people.chain.wallet(9, lamports=0)
    f = free.pubkey()
    people.chain.send(
        people.alice,
        [
            _create(people.a, f, space=165, rent=RENT, owner=spl.SPL),
            spl.open_account(f, people.m, people.a),
            spl.send(people.at_alice, f, people.a, 60),
        ],
        free,
    )

    done = people.send(
        spl.send(f, people.at_alice, people.a, 10),
        spl.hand(f, people.a, people.b),
        spl.send(f, people.at_alice, people.b, 1),
    )

    records = read(done)
    assert read(done, encoding="jsonParsed") == records == read(done, encoding="base64")
    assert moved(records) == [
        ("ix:1", a, b, m, 50),
        ("ix:1.0.1", a, b, None, RENT),
        ("ix:2", b, a, m, 1),
    ]


def test_accounts_of_seeds_and_nonces(people: People) -> None:
    seeded = Pubkey.create_with_seed(people.a, "seed", spl.SYSTEM)
    nonce = people.chain.wallet(9, lamports=0)
    n = nonce.pubkey()

    done = people.chain.send(
        people.alice,
        [
            system.create_account_with_seed(
                system.CreateAccountWithSeedParams(
                    from_pubkey=people.a,
                    to_pubkey=seeded,
                    base=people.a,
                    seed="seed",
                    lamports=900_000,
                    space=0,
                    owner=spl.SYSTEM,
                )
            ),
            system.transfer_with_seed(
                system.TransferWithSeedParams(
                    from_pubkey=seeded,
                    from_base=people.a,
                    from_seed="seed",
                    from_owner=spl.SYSTEM,
                    to_pubkey=people.b,
                    lamports=900_000,
                )
            ),
            _create(people.a, n, space=80, rent=1_447_680, owner=spl.SYSTEM),
            system.initialize_nonce_account(
                system.InitializeNonceAccountParams(nonce_pubkey=n, authority=people.a)
            ),
        ],
        nonce,
    )
    withdrawn = people.send(
        system.withdraw_nonce_account(
            system.WithdrawNonceAccountParams(
                nonce_pubkey=n, authorized_pubkey=people.a, to_pubkey=people.b, lamports=1_447_680
            )
        )
    )

    a, b, s = str(people.a), str(people.b), str(seeded)
    assert agreed(done) == [
        ("ix:0", a, s, None, 900_000),
        ("ix:1", s, b, None, 900_000),
        ("ix:2", a, str(n), None, 1_447_680),
    ]
    assert agreed(withdrawn) == [("ix:0", str(n), b, None, 1_447_680)]


def test_stakes_are_split_merged_and_withdrawn(people: People) -> None:
    rent, lamports = 2_282_880, 5 * 10**9
    first, second = people.chain.wallet(8, lamports=0), people.chain.wallet(9, lamports=0)
    f, s = first.pubkey(), second.pubkey()
    authorized = bytes(4) + bytes(people.a) * 2 + bytes(48)
    agreed(
        people.chain.send(
            people.alice,
            [
                _create(people.a, f, space=200, rent=rent + lamports, owner=spl.STAKE),
                spl.call(spl.STAKE, authorized, f, spl.RENT),
                _create(people.a, s, space=200, rent=rent, owner=spl.STAKE),
                spl.call(
                    spl.STAKE,
                    b"\x03\0\0\0" + spl.u64(10**9),
                    f,
                    s,
                    people.a,
                    signers=(people.a,),
                ),
            ],
            first,
            second,
        )
    )

    done = people.send(
        spl.call(
            spl.STAKE,
            b"\x07\0\0\0",
            f,
            s,
            spl.CLOCK,
            spl.HISTORY,
            people.a,
            signers=(people.a,),
        ),
        spl.call(
            spl.STAKE,
            b"\x04\0\0\0" + spl.u64(rent + lamports + rent),
            f,
            people.b,
            spl.CLOCK,
            spl.HISTORY,
            people.a,
            signers=(people.a,),
        ),
    )

    assert agreed(done) == [
        ("ix:0", str(s), str(f), None, rent + 10**9),
        ("ix:1", str(f), str(people.b), None, 2 * rent + lamports),
    ]


def test_token_2022_withholds_its_fee_with_the_mint(people: People) -> None:
    a, b = people.a, people.b
    mint = people.chain.wallet(9, lamports=0)
    m = mint.pubkey()
    at_alice, at_bob = (spl.associated(one, m, spl.SPL_2022) for one in (a, b))
    rent = people.chain.svm.minimum_balance_for_rent_exemption(278)
    opened = people.chain.send(
        people.alice,
        [
            _create(a, m, space=278, rent=rent, owner=spl.SPL_2022),
            spl.take_fees(m, a, bps=100, most=1_000),
            spl.found_mint(m, a, decimals=2, program=spl.SPL_2022),
            spl.create_associated(a, a, m, spl.SPL_2022),
            spl.create_associated(a, b, m, spl.SPL_2022),
            spl.mint_to(m, at_alice, a, 50_000, spl.SPL_2022),
        ],
        mint,
    )
    assert not opened.error, opened.error
    sent = people.send(
        spl.send_checked(at_alice, m, at_bob, a, 10_000, decimals=2, program=spl.SPL_2022),
        spl.send_with_fee(at_alice, m, at_bob, a, 20_000, decimals=2, fee=200),
    )
    harvested = people.send(spl.withdraw_fees(m, at_alice, a, at_bob))

    def agree(done: Done) -> list[tuple[str, str | None, str, str | None, int | None]]:
        records = read(done)
        assert read(done, encoding="jsonParsed") == records == read(done, encoding="base64")
        changes = told_changes(records)
        # The mint holds what is withheld: no token account shows it.
        changes.pop((f"{SOLANA.id}:{m}", f"{SOLANA.id}/token:{m}"), None)
        assert changes == true_changes([done])
        return moved(records)

    assert agree(opened)[-1] == ("ix:5", None, str(a), str(m), 50_000)
    assert agree(sent) == [
        ("ix:0", str(a), str(b), str(m), 10_000),
        ("ix:1", str(a), str(b), str(m), 20_000),
        ("trace:0", str(b), str(m), str(m), 300),
    ]
    assert agree(harvested) == [("trace:0", str(m), str(a), str(m), 300)]


def test_accounts_of_a_look_up_table_are_named(people: People) -> None:
    table = AddressLookupTableAccount(Pubkey.from_string("A" * 43 + "1"), [people.b, people.at_bob])
    agreed(people.send(spl.create_associated(people.a, people.b, people.m)))
    _install(people.chain, table)

    done = people.chain.send(
        people.alice,
        [
            _pay(people.a, people.b, 5),
            spl.send(people.at_alice, people.at_bob, people.a, 9),
        ],
        tables=[table],
    )

    assert set(done.loaded["writable"]) == {str(people.b), str(people.at_bob)}
    assert agreed(done) == [
        ("ix:0", str(people.a), str(people.b), None, 5),
        ("ix:1", str(people.a), str(people.b), str(people.m), 9),
    ]


def test_a_failed_transaction_moves_its_fee_alone(people: People) -> None:
    done = people.send(_pay(people.a, people.b, 10), _pay(people.b, people.a, 10**15))

    assert done.error
    [transaction] = read(done)
    assert isinstance(transaction, Transaction)
    assert (transaction.status, transaction.fee_raw) == (0, 10_000)
    assert read(done, encoding="jsonParsed") == [transaction] == read(done, encoding="base64")
    assert told_changes([transaction]) == true_changes([done])


@pytest.mark.parametrize("seed", range(8))
def test_whatever_happens_every_lamport_and_token_is_accounted_for(seed: int) -> None:
    people, dice = People(Validator()), random.Random(seed)
    happened = []

    for _ in range(30):
        done = people.send(*(each for _ in range(dice.randint(1, 4)) for each in act(people, dice)))
        if not done.error:
            happened.append(done)
            agreed(done)

    assert len(happened) > 10
    agreed(*happened)


def act(people: People, dice: random.Random) -> list[Instruction]:
    """Something that a wallet does; it may fail."""
    one, other = dice.sample([people.a, people.b], 2)
    mint = dice.choice([people.m, NATIVE])
    at_one, at_other = spl.associated(one, mint), spl.associated(other, mint)
    native = spl.associated(one, NATIVE)
    there = [
        spl.create_associated(people.a, who, what)
        for who in (one, other)
        for what in (mint, NATIVE)
        if dice.random() < 0.8
    ]
    acts: list[Callable[[], list[Instruction]]] = [
        lambda: [_pay(one, other, dice.randint(0, 10**6))],
        lambda: [spl.create_associated(one, other, mint)],
        lambda: [spl.send(at_one, at_other, one, dice.randint(0, 40))],
        lambda: [spl.send(at_one, at_one, one, dice.randint(0, 40))],
        lambda: [spl.mint_to(people.m, spl.associated(other, people.m), people.a, 100)],
        lambda: [_pay(one, native, dice.randint(1, 500)), spl.sync(native)],
        lambda: [_pay(one, native, 3)],
        lambda: [spl.sync(native)],
        lambda: [spl.close(native, other, one)],
        lambda: [spl.create_associated(one, one, NATIVE), spl.close(native, one, one)],
        lambda: [spl.burn(spl.associated(one, people.m), people.m, one, dice.randint(0, 5))],
    ]
    return [*there, *dice.choice(acts)()]


def _install(chain: Validator, table: AddressLookupTableAccount) -> None:
    """Put a look-up table where the runtime looks for it."""
    state = (
        (1).to_bytes(4, "little") + b"\xff" * 8 + bytes(8) + b"\0" + b"\0" + bytes(32) + bytes(2)
    )
    data = state + b"".join(bytes(address) for address in table.addresses)
    owner = Pubkey.from_string("AddressLookupTab1e1111111111111111111111111")
    chain.svm.set_account(table.key, Account(10**9, data, owner))
    chain.svm.warp_to_slot(10)
