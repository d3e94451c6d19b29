"""The one room that knows GraphQL: types, batched steps, root resolvers, error codes."""
