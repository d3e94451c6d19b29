"""The first queries: GraphiQL's tabs, the demo's last words and the README show the same ones."""

from typing import Final

from graph_api.server.graphiql import Example

NEWEST: Final = Example(
    query="""# What moved last, on any chain.
query NewestTransfers {
  recentTransfers(first: 5) {
    nodes {
      blockTime
      amount
      token { symbol }
      sender { accountId }
      recipient { accountId }
    }
  }
}
"""
)

EXAMPLES: Final = (NEWEST,)
