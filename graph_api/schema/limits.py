"""What a document may ask for, counted before validation: both checks cost linear time at most.

Validation itself is the danger: comparing repeated fields is quadratic, and a rule that follows
fragment spreads without a budget is exponential. So the text is measured before it is parsed, and
the selections are counted as they would be executed, spreads followed, until the budget is spent.
"""

import re
from dataclasses import dataclass, field

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
)

from graph_api.domain.errors import TooCostly


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentLimits:
    """Each number is the most that is still answered."""

    max_characters: int = 100_000
    max_tokens: int = 4_000
    max_nesting: int = 40
    max_depth: int = 15
    max_aliases: int = 100
    max_selections: int = 3_000
    max_repeats: int = 200
    max_directives: int = 100
    max_root_fields: int = 20


def check_text(text: str, limits: DocumentLimits) -> int:
    """Count the tokens of a document that nobody has parsed yet.

    Raises: TooCostly when characters, tokens, directives or nested brackets are too many.
    """
    if len(text) > limits.max_characters:
        raise TooCostly(
            f"The document has more than {limits.max_characters} characters; "
            "pass long values as variables."
        )
    tokens = directives = nesting = 0
    for match in _TOKEN.finditer(text):
        first = text[match.start()]
        if first == "#":
            continue
        tokens += 1
        if tokens > limits.max_tokens:
            raise TooCostly(
                f"The document has more than {limits.max_tokens} tokens; "
                "split it into several requests or pass values as variables."
            )
        if first in "{[(":
            nesting += 1
            if nesting > limits.max_nesting:
                raise TooCostly(
                    f"Brackets are nested more than {limits.max_nesting} deep; "
                    "ask for the inner parts in a request of their own."
                )
        elif first in "}])":
            nesting -= 1
        elif first == "@":
            directives += 1
            if directives > limits.max_directives:
                raise TooCostly(
                    f"The document has more than {limits.max_directives} directives; "
                    "remove some of them."
                )
    return tokens


def check_document(document: DocumentNode, limits: DocumentLimits) -> None:
    """Count what the document selects, each fragment as often as it is spread.

    Raises: TooCostly naming the first limit that is passed and how to stay below it.
    """
    fragments = {
        node.name.value: node
        for node in document.definitions
        if isinstance(node, FragmentDefinitionNode)
    }
    walk = _Walk(limits, fragments)
    for node in document.definitions:
        if isinstance(node, OperationDefinitionNode):
            walk.operation(node)
    # Validation follows unused fragments too, so they are measured like the others.
    for name, fragment in fragments.items():
        if name not in walk.spread:
            walk.selections(fragment.selection_set, _Place(), nesting=1, depth=1)


# No alternative may fail after a long match (each string takes its missing end as well), or text
# full of unfinished strings would be read again and again.
_TOKEN = re.compile(
    r"""
      \#[^\n\r]*+
    | \"{3} (?: [^"\\]++ | \\"{3} | \\ | "(?!"") )*+ (?: \"{3} | \Z )
    | " (?: [^"\\\n\r]++ | \\. )*+ "?
    | [_A-Za-z][_0-9A-Za-z]*+
    | -?[0-9][0-9.eE+-]*+
    | \.\.\.
    | [!$&()\[\]{}:=@|]
    """,
    re.VERBOSE,
)

_INTROSPECTION = ("__schema", "__type")
_UNCOUNTED = 0  # the depth below introspection, for which validation has a rule of its own


@dataclass(slots=True)
class _Place:
    """One response path and what has been selected there so far."""

    below: "dict[str, _Place]" = field(default_factory=dict)


class _Walk:
    def __init__(
        self, limits: DocumentLimits, fragments: dict[str, FragmentDefinitionNode]
    ) -> None:
        self.limits, self.fragments = limits, fragments
        self.spread: set[str] = set()
        self.selected = self.aliases = self.repeats = 0
        self._open: list[str] = []

    def operation(self, node: OperationDefinitionNode) -> None:
        root = _Place()
        self.selections(node.selection_set, root, nesting=1, depth=1)
        fields = sum(not name.startswith("...") for name in root.below)
        if fields > self.limits.max_root_fields:
            raise TooCostly(
                f"The operation has {fields} root fields, at most "
                f"{self.limits.max_root_fields} are allowed; split it into several requests."
            )

    def selections(
        self, selection_set: SelectionSetNode, place: _Place, *, nesting: int, depth: int
    ) -> None:
        if nesting > self.limits.max_nesting:
            raise TooCostly(
                f"Selections and fragments are nested more than {self.limits.max_nesting} deep; "
                "ask for the inner parts in a request of their own."
            )
        for node in selection_set.selections:
            self._count_selection()
            if isinstance(node, FieldNode):
                self._field(node, place, nesting=nesting, depth=depth)
            elif isinstance(node, InlineFragmentNode):
                self.selections(node.selection_set, place, nesting=nesting + 1, depth=depth)
            elif isinstance(node, FragmentSpreadNode):
                self._spread(node.name.value, place, nesting=nesting, depth=depth)

    def _field(self, node: FieldNode, place: _Place, *, nesting: int, depth: int) -> None:
        if depth > self.limits.max_depth:
            raise TooCostly(
                f"Fields are nested more than {self.limits.max_depth} deep; "
                "ask for the inner parts in a request of their own."
            )
        if node.alias is not None:
            self._count_alias()
        inner = self._enter(place, (node.alias or node.name).value)
        if node.selection_set is not None:
            uncounted = depth == _UNCOUNTED or node.name.value in _INTROSPECTION
            below = _UNCOUNTED if uncounted else depth + 1
            self.selections(node.selection_set, inner, nesting=nesting + 1, depth=below)

    def _spread(self, name: str, place: _Place, *, nesting: int, depth: int) -> None:
        self.spread.add(name)
        self._enter(place, "..." + name)
        fragment = self.fragments.get(name)
        # A missing fragment and a circle are left to validation, which can say what is wrong.
        if fragment is None or name in self._open:
            return
        self._open.append(name)
        self.selections(fragment.selection_set, place, nesting=nesting + 1, depth=depth)
        self._open.pop()

    def _enter(self, place: _Place, name: str) -> _Place:
        known = place.below.get(name)
        if known is None:
            known = place.below[name] = _Place()
            return known
        self.repeats += 1
        if self.repeats > self.limits.max_repeats:
            raise TooCostly(
                f"Fields are selected again in the same place more than {self.limits.max_repeats} "
                "times; select each field once."
            )
        return known

    def _count_selection(self) -> None:
        self.selected += 1
        if self.selected > self.limits.max_selections:
            raise TooCostly(
                f"The document selects more than {self.limits.max_selections} fields, fragments "
                "counted as often as they are spread; ask for fewer fields or in several requests."
            )

    def _count_alias(self) -> None:
        self.aliases += 1
        if self.aliases > self.limits.max_aliases:
            raise TooCostly(
                f"The document has more than {self.limits.max_aliases} aliases, fragments counted "
                "as often as they are spread; ask for several objects by a list field instead."
            )
