const STREAM = 'text/event-stream'

// Sends one operation. What is no GraphQL answer (a proxy's page, a server that is away) is shown
// in the same shape, so that the result pane always says what happened. A subscription is answered by
// a stream of events, of which each item is shown as it comes.
export function createFetcher(endpoint) {
  return async (operation, { headers } = {}) => {
    const leaving = new AbortController()
    let response
    try {
      response = await fetch(endpoint, {
        method: 'POST',
        signal: leaving.signal,
        headers: {
          accept: `application/graphql-response+json, application/json;q=0.9, ${STREAM};q=0.5`,
          'content-type': 'application/json',
          ...headers,
        },
        body: JSON.stringify(withCurrentName(operation)),
      })
    } catch (error) {
      return failed(`The server does not answer (${error.message}).`)
    }
    if (response.headers.get('content-type')?.startsWith(STREAM)) {
      return stoppable(itemsOf(response), leaving)
    }
    const text = await response.text()
    try {
      return JSON.parse(text)
    } catch {
      return failed(`The server answered ${response.status} without JSON.`)
    }
  }
}

// The stop button ends the request at once, not with the next item.
function stoppable(items, leaving) {
  return {
    [Symbol.asyncIterator]() {
      return this
    },
    next: () => items.next(),
    return() {
      leaving.abort()
      return items.return()
    },
  }
}

async function* itemsOf(response) {
  let text = ''
  try {
    for await (const chunk of chunksOf(response)) {
      const blocks = (text + chunk).split('\n\n')
      text = blocks.pop()
      for (const block of blocks) {
        const data = block.match(/^data: (.+)$/m)
        if (data) yield JSON.parse(data[1])
      }
    }
  } catch (error) {
    if (error.name !== 'AbortError') yield failed(`The stream has broken off (${error.message}).`)
  }
}

async function* chunksOf(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    yield value
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
