"""``python -m bench`` lists what can be measured; ``python -m bench NAME …`` measures it."""

import sys
from importlib import import_module
from typing import Final

BENCHES: Final = {
    "bolt": "reading a statement and a row, by the reader and by the driver",
    "reads": "the read shapes over HTTP, against the driver and the usual Node stack",
    "cached": "answers that are kept, against a bare endpoint that sends the same bytes",
    "workers": "one worker against several: the CPU time that a request costs",
    "live": "subscribers of one event, and distinct watchlists, beside a Node server",
    "live_kills": "no speed but truth: subscribers and servers that are killed, nothing missed",
    "decode": "no speed but truth: recorded answers of nodes, and what they say",
    "logs": "logs fetched and decoded from a node, against a bare AsyncWeb3 loop",
    "indexing": "blocks of a node into the graph, end to end, against Ponder",
    "traces": "value followed through a million movements, against plain Python",
    "paths": "the best paths in time among a million transfers, against plain Cypher",
    "walks": "networks and shortest paths on real transfers, against plain Cypher",
    "load": "files into the graph, against a bare UNWIND loop",
    "clusters": "clusters of real and planted data, beside plain ways to the same",
    "real": "no speed but truth: real files on both engines, against plain Python",
    "chaos": "no speed but truth: loads that are killed, against clean ones",
}


def main() -> None:
    """Hand over to the bench that is named."""
    name, *rest = sys.argv[1:] or [""]
    if name not in BENCHES:
        for bench, about in BENCHES.items():
            print(f"  python -m bench {bench:<14} {about}")
        print("Each takes --help.")
        sys.exit(0 if not name or name in ("-h", "--help") else 2)
    import_module(f"bench.{name}").main(rest)


if __name__ == "__main__":
    main()
