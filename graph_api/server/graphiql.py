"""GraphiQL from our own files: the page with its first queries, and its scripts and styles.

``web/graphiql`` builds them into ``static/graphiql``; nothing is loaded from another host.
"""

import hashlib
import html
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope, Send

from graph_api.server.refusals import send_body

STATIC = Path(__file__).with_name("static") / "graphiql"
ASSETS = "/graphiql/assets"
PLACEHOLDER = b"{/* config */}"
HOW_TO_BUILD = "GraphiQL is not built: run `make graphiql` and start the server again."

# The editor (Monaco) writes style elements and starts its workers from our own files.
POLICY = (
    "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self' 'unsafe-inline'; "
    "font-src 'self' data:; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".ttf": "font/ttf",
    ".woff2": "font/woff2",
}


@dataclass(frozen=True, slots=True)
class Example:
    """A query that a new visitor finds in a tab of its own."""

    query: str
    variables: str = ""


class GraphiQL:
    """The page; it is put together once, when the application is created."""

    def __init__(
        self, examples: Sequence[Example], *, endpoint: str, static: Path = STATIC
    ) -> None:
        config = {"endpoint": endpoint, "examples": [asdict(example) for example in examples]}
        index = static / "index.html"
        self.built = index.is_file()
        if self.built:
            # "<" is written as an escape, so that no text in it can end the script element.
            data = orjson.dumps(config).replace(b"<", b"\\u003c")
            self.page = index.read_bytes().replace(PLACEHOLDER, data)
        else:
            self.page = (
                f"<!doctype html><title>GraphiQL</title>{html.escape(HOW_TO_BUILD)}".encode()
            )
        self.etag = f'"{hashlib.sha256(self.page).hexdigest()[:32]}"'.encode()

    async def send_page(self, scope: Scope, send: Send) -> None:
        """Answer with the page, or with 304 where the browser has it."""
        headers = [
            (b"cache-control", b"no-cache"),
            (b"content-security-policy", POLICY.encode()),
            (b"etag", self.etag),
            (b"vary", b"accept"),
        ]
        if (b"if-none-match", self.etag) in scope["headers"]:
            await send({"type": "http.response.start", "status": 304, "headers": headers})
            await send({"type": "http.response.body"})
            return
        status, content_type = 200 if self.built else 503, b"text/html; charset=utf-8"
        await send_body(send, status, self.page, content_type=content_type, headers=headers)


class Assets(StaticFiles):
    """Scripts, styles and fonts; their names change with their content, so they may be kept."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["cache-control"] = "public, max-age=31536000, immutable"
        if media_type := TYPES.get(Path(path).suffix):
            response.headers["content-type"] = media_type
        return response
