// Sends one operation. What is no GraphQL answer (a proxy's page, a server that is away) is shown
// in the same shape, so that the result pane always says what happened.
export function createFetcher(endpoint) {
  return async (operation, { headers } = {}) => {
    let response
    try {
      response = await fetch(endpoint, {
        method: 'POST',
        headers: {
          accept: 'application/graphql-response+json, application/json;q=0.9',
          'content-type': 'application/json',
          ...headers,
        },
        body: JSON.stringify(withCurrentName(operation)),
      })
    } catch (error) {
      return failed(`The server does not answer (${error.message}).`)
    }
    const text = await response.text()
    try {
      return JSON.parse(text)
    } catch {
      return failed(`The server answered ${response.status} without JSON.`)
    }
  }
}

// GraphiQL learns an operation's name a moment after its text: who types and runs at once would send
// the name of the tab before.
function withCurrentName({ query, variables, operationName }) {
  const named = new RegExp(`\\b(?:query|mutation|subscription)\\s+${operationName}\\b`)
  return { query, variables, operationName: named.test(query) ? operationName : undefined }
}

function failed(message) {
  return { errors: [{ message }] }
}
