"""Parsed and validated documents, kept by their text: a repeated query costs neither again.

The texts are the callers', so the cache is bounded twice: in documents, and in tokens, because a
syntax tree takes about half a kilobyte per token. Refusals are kept like answers.
"""

from collections import OrderedDict
from dataclasses import dataclass, field

from graphql import (
    ASTValidationRule,
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    parse,
)
from strawberry.schema.schema import validate_document

from graph_api.domain.errors import TooCostly
from graph_api.schema.compiled.execute import Compiled
from graph_api.schema.limits import DocumentLimits, check_document, check_text

Rules = tuple[type[ASTValidationRule], ...]

TOKENS_PER_DOCUMENT = 100  # what the cache has room for, on average; a page of an SPA has 50 to 150


@dataclass(slots=True)
class Prepared:
    """A text that was read once: its document, or why there is none."""

    document: DocumentNode | None
    refusal: GraphQLError | None
    weight: int
    verdicts: dict[Rules, tuple[GraphQLError, ...]] = field(default_factory=dict)
    compiled: dict[str, Compiled] = field(default_factory=dict)
    shared: dict[str | None, bool] = field(default_factory=dict)
    asked: bool = False

    @property
    def operations(self) -> list[OperationDefinitionNode]:
        """The operations in the order of the text."""
        definitions = self.document.definitions if self.document else ()
        return [node for node in definitions if isinstance(node, OperationDefinitionNode)]

    def compiled_operation(self, operation: OperationDefinitionNode) -> Compiled:
        """The plans of one of the operations, kept as long as the document is."""
        assert self.document is not None
        name = operation.name.value if operation.name else ""
        if name not in self.compiled:
            self.compiled[name] = Compiled(self.document, operation)
        return self.compiled[name]


class Documents:
    """Reads, checks and remembers documents; used from one event loop, so it takes no lock."""

    def __init__(self, limits: DocumentLimits, *, cache_size: int) -> None:
        self.limits, self.cache_size = limits, cache_size
        self.hits = self.misses = self.weight = 0
        self._prepared: OrderedDict[str, Prepared] = OrderedDict()

    def __len__(self) -> int:
        return len(self._prepared)

    def prepare(self, text: str) -> Prepared:
        """The document of ``text`` within its limits, not validated yet."""
        prepared = self.look(text)
        if prepared.asked:
            self.hits += 1
        else:
            self.misses += 1
            prepared.asked = True
        return prepared

    def look(self, text: str) -> Prepared:
        """The same for a look ahead, which counts as no use of the document."""
        prepared = self._prepared.get(text)
        if prepared is not None:
            self._prepared.move_to_end(text)
            return prepared
        prepared = _read(text, self.limits)
        self._keep(text, prepared)
        return prepared

    def known(self, text: str) -> Prepared | None:
        """The document where it is remembered."""
        return self._prepared.get(text)

    def faults(self, prepared: Prepared, schema: GraphQLSchema, rules: Rules) -> list[GraphQLError]:
        """What validation says of a document that was read; empty when it may be executed."""
        assert prepared.document is not None
        verdict = prepared.verdicts.get(rules)
        if verdict is None:
            verdict = tuple(validate_document(schema, prepared.document, rules))
            # What a scalar raised has a traceback with frames in it, and is not kept.
            if all(error.original_error is None for error in verdict):
                prepared.verdicts[rules] = verdict
        return list(verdict)

    def _keep(self, text: str, prepared: Prepared) -> None:
        room = self.cache_size * TOKENS_PER_DOCUMENT
        if prepared.weight > room // 10:
            return
        self._prepared[text] = prepared
        self.weight += prepared.weight
        while len(self._prepared) > self.cache_size or self.weight > room:
            _, oldest = self._prepared.popitem(last=False)
            self.weight -= oldest.weight


def _read(text: str, limits: DocumentLimits) -> Prepared:
    weight = 1 + len(text) // _CHARACTERS_PER_TOKEN
    try:
        weight = max(weight, check_text(text, limits))
        document = parse(text)
        check_document(document, limits)
    except TooCostly as refusal:
        return Prepared(None, GraphQLError(str(refusal), original_error=refusal), weight)
    except GraphQLError as error:
        # The traceback would keep the parser's frames alive for as long as the text is known.
        return Prepared(None, error.with_traceback(None), weight)
    return Prepared(document, None, weight)


_CHARACTERS_PER_TOKEN = 64  # text that is hardly more than strings and comments weighs as well
