"""The first queries: GraphiQL's tabs, the demo's last words and the README show the same ones.

None names an address, so that they answer on any data.
"""

from typing import Final

from graph_api.server.graphiql import Example

NEWEST: Final = Example(
    query="""# What moved last, on any chain.
query NewestTransfers {
  recentTransfers(first: 5) {
    blockTime
    amount
    token { symbol }
    sender { accountId label { label } }
    recipient { accountId label { label } }
  }
}
"""
)

DESKS: Final = Example(
    query="""# Desks at work: their wallets, and with
# whom they trade.
query Desks {
  desks(validatedOnly: true, first: 3) {
    nodes {
      actor {
        name
        wallets(filter: { active: true }, first: 2) {
          nodes {
            accountId
            counterparties(first: 3) {
              accountId
              token { symbol }
              sent { transfers amountRaw }
              received { transfers amountRaw }
            }
          }
        }
      }
      transfersIn
      transfersOut
      lastSeenAt
    }
  }
}
"""
)

WALLETS: Final = Example(
    query="""# The wallets that were active last.
query ActiveWallets($chain: ChainId! = "ethereum") {
  wallets(
    filter: { chain: $chain }
    order: NEWEST_ACTIVITY
    first: 3
  ) {
    nodes {
      accountId
      lastSeenAt
      labels { label category confidence source }
      balances(first: 3) {
        token { symbol }
        receivedRaw
        sentRaw
        netChange
        coverage { complete sinceBlock }
      }
    }
  }
}
"""
)

HOLDERS: Final = Example(
    query="""# The most used tokens, and who holds them.
query Holders($chain: ChainId! = "ethereum") {
  tokens(chain: $chain, order: MOST_USED, first: 3) {
    nodes {
      symbol
      transferCount
      holderCount
      holders(first: 3) {
        nodes {
          shareOfSupply
          holding {
            netChangeRaw
            wallet { accountId label { label } }
          }
        }
      }
    }
  }
}
"""
)

SEARCH: Final = Example(
    query="""# An address, a hash, a symbol, or words.
query Search($words: String! = "exchange") {
  search(query: $words, first: 5) {
    kind
    title
    match
    node {
      ... on Actor { actorId type }
      ... on Wallet { accountId }
      ... on Token { tokenId }
    }
  }
}
"""
)

LOADED: Final = Example(
    query="""# How much of each chain is loaded.
query Chains {
  chains {
    slug
    transactions
    transfers
    wallets
    firstAt
    lastAt
  }
}
"""
)

EXAMPLES: Final = (NEWEST, DESKS, WALLETS, HOLDERS, SEARCH, LOADED)
