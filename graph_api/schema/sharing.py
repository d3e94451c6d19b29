"""Which operations answer public graph data alone, so that equal ones may share an answer."""

from collections.abc import Iterable
from typing import Any

import strawberry
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLAbstractType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    is_abstract_type,
    visit,
)

from graph_api.schema.checks import places
from graph_api.schema.steps import step_of


class Sharing:
    """What of one schema may be shared."""

    def __init__(self, schema: strawberry.Schema) -> None:
        self._schema: GraphQLSchema = schema._schema
        self._steps: dict[tuple[str, str], bool] = {}
        names = schema.config.name_converter
        for parent, field in places(schema):
            if (step := step_of(field)) is not None:
                self._steps[names.from_type(parent), names.from_field(field)] = step.shared

    def allows(self, document: DocumentNode, operation: OperationDefinitionNode) -> bool:
        """Whether ``operation`` is a query of which every field may be shared.

        What the schema does not have may not; fragments count even where they are not spread.
        """
        return operation.operation is OperationType.QUERY and self.is_public(document, operation)

    def is_public(self, document: DocumentNode, operation: OperationDefinitionNode) -> bool:
        """Whether every field of ``operation``, which may be a subscription, may be shared."""
        fragments = (
            node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        )
        types = TypeInfo(self._schema)
        look = _Look(self, types)
        visit(DocumentNode(definitions=(operation, *fragments)), TypeInfoVisitor(types, look))
        return look.shared

    def field(self, parent: GraphQLNamedType | None, name: str) -> bool:
        """Whether a field may be shared. At the root only what is declared to fetch shared data."""
        if name.startswith("__"):
            return name == "__typename"
        return parent is not None and all(
            self._steps.get((type_.name, name), type_ is not self._schema.query_type)
            for type_ in self._concrete(parent)
            if name in type_.fields
        )

    def _concrete(self, type_: GraphQLNamedType) -> Iterable[GraphQLObjectType]:
        if is_abstract_type(type_):
            abstract: GraphQLAbstractType = type_
            return self._schema.get_possible_types(abstract)
        return (type_,) if isinstance(type_, GraphQLObjectType) else ()


class _Look(Visitor):
    """Looks at every field that a document selects."""

    def __init__(self, sharing: Sharing, types: TypeInfo) -> None:
        super().__init__()
        self.shared = True
        self._sharing, self._types = sharing, types

    def enter_field(self, node: FieldNode, *_: Any) -> Any:
        """Stop at the first that may not be shared."""
        known = self._types.get_field_def() is not None
        if known and self._sharing.field(self._types.get_parent_type(), node.name.value):
            return None
        self.shared = False
        return self.BREAK
