// Which tabs the page opens with. GraphiQL keeps them in the browser; the examples are for the
// first visit, and an address like /graphql?query={hello} opens that query at any time.
const KEPT = 'graphiql:tabState'

export function firstTabs(search, examples) {
  const linked = readAddress(search)
  if (linked) {
    return {
      initialQuery: linked.query,
      initialVariables: linked.variables,
      defaultTabs: [linked, ...examples],
    }
  }
  if (examples.length === 0 || localStorage.getItem(KEPT) !== null) return {}
  // The variables of the tab in front are not taken from defaultTabs.
  return { initialVariables: examples[0].variables, defaultTabs: examples }
}

function readAddress(search) {
  const parameters = new URLSearchParams(search)
  const query = parameters.get('query')
  return query && { query, variables: parameters.get('variables') ?? '' }
}
