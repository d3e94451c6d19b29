"""Keys are found wherever they hide; hashes, addresses and placeholders are left in peace.

Every sample is made while the tests run, so that none is ever written down.
"""

import hashlib
from pathlib import Path

import pytest

from scripts.secret_scan import BASE58, scan_file, scan_text
from scripts.tree import ROOT, kept_files


def random_bytes(count: int, *, seed: str) -> bytes:
    """Bytes that look like chance and are the same in every run."""
    return hashlib.shake_256(seed.encode()).digest(count)


def base58(data: bytes) -> str:
    number, text = int.from_bytes(data, "big"), ""
    while number:
        number, digit = divmod(number, 58)
        text = BASE58[digit] + text
    return text


def base58_check(payload: bytes) -> str:
    return base58(payload + hashlib.sha256(hashlib.sha256(payload).digest()).digest()[:4])


HEX = random_bytes(32, seed="hex").hex()
TOKEN = base58(random_bytes(30, seed="token"))
PAIR = base58(b"\x40" + random_bytes(63, seed="pair"))
WIF = base58_check(b"\x80" + random_bytes(32, seed="wif") + b"\x01")
XPRV = base58_check(bytes.fromhex("0488ade4") + random_bytes(74, seed="xprv"))
WORDS = "apple river stone cloud tiger piano lemon chair smoke field paper glass"
SECURE = "https" + "://"


def rules(text: str) -> list[str]:
    return [finding.rule for finding in scan_text(text, path="sample")]


@pytest.mark.parametrize(
    "text",
    [
        f'PRIVATE_KEY = "0x{HEX}"',
        f"PRIVATE_KEY={HEX}",
        f"DEPLOYER_SECRET: {HEX.upper()}",
        f'{{"privateKey": "{HEX}"}}',
        f'signing_key: bytes = bytes.fromhex("{HEX}")',
        f'account = Account.from_key("0x{HEX}")',
        f'os.environ["WALLET_KEY"] = "{HEX}"',
        f"cast send --private-key 0x{HEX}",
        f'PRIVATE_KEY = (\n    "0x{HEX}"\n)',
        f"master-seed: >\n  {HEX}",
    ],
)
def test_64_hex_digits_named_as_a_key_are_found(text: str) -> None:
    assert "hex key" in rules(text)


@pytest.mark.parametrize(
    "text",
    [
        f'transaction = "0x{HEX}"',
        f'{{"transactionHash": "0x{HEX}", "blockHash": "0x{HEX[::-1]}"}}',
        f"0x{HEX}",
        f"    --hash=sha256:{HEX} \\",
        f'wallet = "eip155:1:0x{HEX[:40]}"',
        f'key = "0x{HEX[:40]}"',
        f'public_key = "{HEX}"',
        f'storage_key = "0x{1:064x}"',
        f'signature = "{PAIR}"',
        "password: SecretStr | None = None",
        "password=secrets.token_urlsafe(32)",
        'token = "eip155:1/erc20:0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48"',
        "postgresql://deskgraph:${POSTGRES_PASSWORD}@db/deskgraph",
        'f"bolt://{user}:{password}@{host}"',
        "postgresql://user:password@host/db",
        "a seed phrase is twelve words that nobody else may ever read or copy or guess",
        "/rooted/path and https://example.org/home/page",
        f"L{WIF[1:]}"[:-1] + "1",
    ],
)
def test_what_the_project_is_full_of_is_no_secret(text: str) -> None:
    assert rules(text) == []


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("-----BEGIN " + "EC PRIVATE KEY-----", "private key file"),
        ("-----BEGIN " + "PRIVATE KEY-----", "private key file"),
        (f"change goes to {WIF} for now", "Bitcoin private key"),
        (f"[{XPRV}]", "extended private key"),
        (f'secret_key = "{PAIR}"', "Solana key"),
        (str(list(random_bytes(64, seed="file"))), "Solana key file"),
        (f'mnemonic = "{WORDS}"', "seed phrase"),
        (f"MNEMONIC={WORDS} {WORDS}", "seed phrase"),
        (f'api_key = "{TOKEN}"', "login"),
        (f"DESKGRAPH_NEO4J__PASSWORD={TOKEN}", "login"),
        (f"bolt://neo4j:{TOKEN}@db.example", "password in an address"),
        ("eyJ" + TOKEN + ".eyJ" + TOKEN + "." + TOKEN, "JSON web token"),
        (f"{SECURE}mainnet.infura.io/v3/{HEX[:32]}", "key of a node provider"),
        (f"{SECURE}eth-mainnet.g.alchemy.com/v2/{TOKEN[:32]}", "key of a node provider"),
        ("AKIA" + "A1B2C3D4E5F6G7H8", "AWS access key"),
        ("ghp_" + TOKEN[:36], "GitHub token"),
        ("glpat-" + TOKEN[:20], "GitLab token"),
        ("xoxb-" + TOKEN, "Slack token"),
        (f"{SECURE}discord.com/api/webhooks/123/{TOKEN}", "Discord webhook"),
        ("123456789:AA" + TOKEN[:33], "Telegram bot token"),
        ("AIza" + TOKEN[:35], "Google API key"),
        ("sk_live_" + TOKEN, "Stripe key"),
        ("npm_" + TOKEN[:36], "npm token"),
        ("--index" + f"-url {SECURE}mirror.example/simple", "package index address"),
        ("find" + "-links = /opt/wheels", "package index address"),
        ("registry" + f"={SECURE}mirror.example", "package index address"),
        ('"resolved"' + f': "{SECURE}mirror.example/a.tgz"', "package index address"),
        (f"{SECURE}pypi" + ".org/simple", "package index address"),
        ("see /ro" + "ot/notes.txt", "path of one machine"),
        ("/ho" + "me/alice/src", "path of one machine"),
        (f"{ROOT}/graph_api", "path of one machine"),
        ("C:\\" + "Users\\alice", "path of one machine"),
    ],
)
def test_each_kind_is_found(text: str, rule: str) -> None:
    assert rule in rules(text)


def test_a_finding_names_the_line_and_never_the_secret() -> None:
    (finding,) = scan_text(f"one\ntwo\nPRIVATE_KEY = {HEX}\nfour\n", path="wallets.py")
    assert str(finding) == "wallets.py:3: hex key"


def test_files_that_are_not_text_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "image").write_bytes(b"\0" + f"PRIVATE_KEY={HEX}".encode())
    (tmp_path / "text").write_bytes(b"\xff\n" + f"PRIVATE_KEY={HEX}".encode())
    assert scan_file(tmp_path, "image") == []
    assert [finding.line for finding in scan_file(tmp_path, "text")] == [2]


def test_nothing_of_the_kind_is_in_this_repository() -> None:
    assert [str(found) for name in kept_files(ROOT) for found in scan_file(ROOT, name)] == []
