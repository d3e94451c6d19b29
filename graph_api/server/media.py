"""Which media type a client asks for, and which one it sent."""

from functools import lru_cache

GRAPHQL_RESPONSE = "application/graphql-response+json"
JSON = "application/json"
HTML = "text/html"
EVENT_STREAM = "text/event-stream"


@lru_cache(maxsize=256)
def answer_type(accept: str) -> str | None:
    """The media type to answer with; None where the client takes neither of ours.

    Without a clear wish it is ``application/json``, which older clients expect.
    """
    qualities = _qualities(accept)
    if not qualities:
        return JSON
    anything = max(qualities.get("*/*", 0.0), qualities.get("application/*", 0.0))
    modern, plain = qualities.get(GRAPHQL_RESPONSE, 0.0), qualities.get(JSON, anything)
    if modern > 0 and modern >= plain:
        return GRAPHQL_RESPONSE
    return JSON if plain > 0 else None


@lru_cache(maxsize=256)
def wants_page(accept: str) -> bool:
    """Whether ``text/html`` is named (not just covered by ``*/*``) and no JSON is preferred."""
    qualities = _qualities(accept)
    html = qualities.get(HTML, 0.0)
    return html > 0 and html >= max(qualities.get(JSON, 0.0), qualities.get(GRAPHQL_RESPONSE, 0.0))


@lru_cache(maxsize=256)
def takes_stream(accept: str) -> bool:
    """Whether the client names a stream of events among what it takes."""
    return _qualities(accept).get(EVENT_STREAM, 0.0) > 0


def essence(content_type: str) -> str:
    """The type itself, without its parameters."""
    return content_type.partition(";")[0].strip().lower()


def charset(content_type: str) -> str:
    """The stated charset in lower case; ``utf-8`` where none is stated."""
    for parameter in content_type.split(";")[1:]:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            return value.strip().strip('"').lower()
    return "utf-8"


def _qualities(accept: str) -> dict[str, float]:
    qualities: dict[str, float] = {}
    for item in accept.split(","):
        media_type, *parameters = (part.strip().lower() for part in item.split(";"))
        if media_type:
            qualities[media_type] = _quality(parameters)
    return qualities


def _quality(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                quality = float(value)
            except ValueError:
                return 0.0
            return quality if 0.0 <= quality <= 1.0 else 0.0
    return 1.0
