"""What must never be committed: keys, logins, package index addresses, paths of one machine.

``python -m scripts.secret_scan [FILE…]`` reads the given files, or all that git keeps. There is no
list of exceptions: what it finds has to go. Samples for tests are made at run time.
"""

import hashlib
import math
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from scripts.tree import ROOT, kept_files

BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


@dataclass(frozen=True)
class Rule:
    """One kind of thing that must not land; ``judge`` has the last word on a match."""

    name: str
    pattern: re.Pattern[str]
    judge: Callable[[re.Match[str]], bool] = bool


@dataclass(frozen=True)
class Finding:
    """Where a rule matched. The text itself stays out: the log of a scan has many readers."""

    path: str
    line: int
    rule: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.rule}"


def main() -> None:
    """Print every finding; end with 1 if there is one."""
    names = sys.argv[1:] or kept_files(ROOT)
    found = [finding for name in names for finding in scan_file(ROOT, name)]
    for finding in found:
        print(finding)
    print(f"secret scan: {len(names)} files, {len(found)} findings")
    sys.exit(1 if found else 0)


def scan_file(root: Path, name: str) -> list[Finding]:
    """The findings in one file; a file that is not text has none."""
    data = (root / name).read_bytes()
    return [] if b"\0" in data else list(scan_text(data.decode(errors="replace"), path=name))


def scan_text(text: str, *, path: str) -> Iterator[Finding]:
    """The findings in a text, rule by rule. A value may stand on the line after its name."""
    for rule in RULES:
        for match in rule.pattern.finditer(text):
            if rule.judge(match):
                yield Finding(path, text.count("\n", 0, match.end()) + 1, rule.name)


def _random(value: str) -> bool:
    """Whether chance could have made it: no row of zeros, no word, no placeholder."""
    counts = Counter(value.lower()).values()
    bits = -sum(n / len(value) * math.log2(n / len(value)) for n in counts)
    return bits > 3.0 and any(letter.isdigit() for letter in value)


def _random_value(match: re.Match[str]) -> bool:
    return _random(match["value"])


_SETTING = re.compile(r"[A-Z][A-Z0-9]*(?:_+[A-Z0-9]+)+")


def _secret_value(match: re.Match[str]) -> bool:
    """A random value under a name that does not call it public; a setting's name is no value."""
    value = match["value"]
    if "pub" in match["name"].lower() or _SETTING.fullmatch(value):
        return False
    return _random(value)


def _written_out(match: re.Match[str]) -> bool:
    """A password that stands there: neither one to be filled in, ``${PASSWORD}``, nor a word."""
    value = match["value"]
    return value[0] not in "{$<%*[…" and not (value.isalpha() and value.islower())


def _checksum_holds(match: re.Match[str]) -> bool:
    """Base58Check: four bytes of a double SHA-256 tell a key from a word of the same letters."""
    number = 0
    for letter in match["value"]:
        number = number * 58 + BASE58.index(letter)
    data = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return hashlib.sha256(hashlib.sha256(data[:-4]).digest()).digest()[:4] == data[-4:]


def _named(names: str, value: str) -> re.Pattern[str]:
    """A value behind a name: ``name = "value"``, ``name: value``, ``name(value)``, ``name value``.

    Between them may stand a type, a call such as ``bytes.fromhex(``, a line's end. A transaction
    hash stands alone or under ``hash``; that is what tells it from a key.
    """
    name = rf"(?P<name>\w*(?:{names})\w*)[\"'\]]{{0,2}}"
    between = r"(?:\s*:\s*\w+\s*(?==))?[\s=:(,|>]{1,24}(?:[\w.]{1,30}\()?[bfr]?[\"']?"
    return re.compile(rf"{name}{between}(?P<value>{value})", re.IGNORECASE)


_KEY = "key|secret|seed|password|passwd|private"
_LOGIN = "password|passwd|secret|(?:api|access)_?key|(?:access|auth|api|bearer)_?token"
_WORDS = r"(?:[a-z]{3,8}\s){11,23}[a-z]{3,8}(?=[\"'\s]|$)"

RULES = (
    Rule("private key file", re.compile(r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY")),
    Rule("hex key", _named(_KEY, r"(?:0x)?[0-9a-f]{64}(?![0-9a-f])"), _secret_value),
    Rule(
        "Bitcoin private key",
        re.compile(rf"(?<!\w)(?P<value>[5KLc9][{BASE58}]{{50,51}})(?!\w)"),
        _checksum_holds,
    ),
    Rule(
        "extended private key",
        re.compile(rf"(?<!\w)(?P<value>[tuvxyz]prv[{BASE58}]{{107}})(?!\w)"),
        _checksum_holds,
    ),
    Rule("Solana key", _named(_KEY, rf"[{BASE58}]{{86,88}}(?!\w)"), _secret_value),
    Rule("Solana key file", re.compile(r"\[\s*(?:\d{1,3}\s*,\s*){63}\d{1,3}\s*\]")),
    Rule("seed phrase", _named("mnemonic|seed|phrase", _WORDS)),
    Rule("login", _named(_LOGIN, r"[\w+/=-]{20,}"), _secret_value),
    Rule(
        "password in an address",
        re.compile(r"\w://[^\s:/@\"'`]+:(?P<value>[^\s:/@\"'`]+)@"),
        _written_out,
    ),
    Rule("JSON web token", re.compile(r"\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}")),
    Rule(
        "key of a node provider",
        re.compile(
            r"(?:infura|alchemy|quiknode|ankr|drpc|chainstack|blastapi)[\w.-]*/"
            r"(?:[\w-]+/)*(?P<value>[\w-]{32,})",
            re.IGNORECASE,
        ),
        _random_value,
    ),
    Rule("AWS access key", re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b")),
    Rule("GitHub token", re.compile(r"\b(?:gh[oprsu]_[0-9A-Za-z]{36}|github_pat_\w{50,})")),
    Rule("GitLab token", re.compile(r"\bglpat-[\w-]{20}")),
    Rule("Slack token", re.compile(r"\bxox[abeprs]-[0-9A-Za-z-]{10,}")),
    Rule("Slack webhook", re.compile(r"hooks\.slack\.com/services/T\w+/B\w+/\w+")),
    Rule("Discord webhook", re.compile(r"discord(?:app)?\.com/api/webhooks/\d+/[\w-]+")),
    Rule("Telegram bot token", re.compile(r"\b\d{8,10}:AA[\w-]{33}\b")),
    Rule("Google API key", re.compile(r"\bAIza[\w-]{35}")),
    Rule("Stripe key", re.compile(r"\b[rs]k_live_[0-9A-Za-z]{20,}")),
    Rule("npm token", re.compile(r"\bnpm_[0-9A-Za-z]{36}\b")),
    Rule(
        "package index address",
        re.compile(
            r"index[-_]url[\s=\"']{1,6}http|find[-_]links[\s=\"']{1,6}[\w.:]*/"
            r"|\"resolved\":\s*\"http|\bregistry\s*=\s*[\"']?http|\(registry\+http"
            r"|\b(?:pypi\.org|pythonhosted\.org|registry\.npmjs\.org|registry\.yarnpkg\.com)\b"
        ),
    ),
    Rule(
        "path of one machine",
        re.compile(
            r"(?<![\w.~-])/(?:root|home/[\w.-]+|Users/[\w.-]+)/\w|\b[A-Z]:\\{1,2}Users\\|"
            + re.escape(f"{ROOT}/")
        ),
    ),
)


if __name__ == "__main__":
    main()
