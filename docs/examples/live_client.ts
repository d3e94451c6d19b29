// Follows a subscription of a deskgraph server: each item once, whatever becomes of the connection.
import { createClient } from 'graphql-ws'

export interface Item {
  cursor: string
}

// What passes by itself: the server is busy, or what stands behind it is away for a moment.
const PASSING = ['RATE_LIMITED', 'UPSTREAM_UNAVAILABLE', 'INTERNAL']

/** The server does not tell this. CURSOR_TOO_OLD: begin anew, without a cursor. */
export class Refused extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message)
  }
}

/**
 * The items of the subscription `query` behind the cursor `after`, without end. `query` takes
 * `$after` and selects `cursor`. Keep each item's cursor together with what you make of the item,
 * in one transaction: whoever is killed starts again from there, and misses nothing.
 */
export async function* follow<T extends Item>(
  url: string,
  query: string,
  after: string | null = null,
  variables: Record<string, unknown> = {},
  webSocketImpl?: unknown,
): AsyncGenerator<T> {
  // The library subscribes again by itself after a break, with the variables as they are then.
  const asked = { ...variables, after }
  const client = createClient({
    url,
    webSocketImpl,
    retryAttempts: Infinity,
    shouldRetry: () => true,
    on: {
      message(message) {
        if (message.type === 'next') asked.after = itemOf<T>(message.payload)?.cursor ?? asked.after
      },
      ping(_received, payload) {
        // Nothing happened that is wanted, but time went by: where to go on from now.
        const [place] = Object.values((payload?.cursors ?? {}) as Record<string, string>)
        if (place) asked.after = place
      },
    },
  })
  try {
    for (;;) {
      try {
        for await (const result of client.iterate({ query, variables: asked })) {
          const item = itemOf<T>(result)
          if (item === undefined) throw result.errors
          yield item
        }
        return
      } catch (error) {
        const refused = refusalOf(error)
        if (!PASSING.includes(refused.code)) throw refused
        await new Promise((resolve) => setTimeout(resolve, 500 + 1000 * Math.random()))
      }
    }
  } finally {
    await client.dispose()
  }
}

function itemOf<T>(result: { data?: unknown }): T | undefined {
  return result.data ? (Object.values(result.data)[0] as T) : undefined
}

function refusalOf(error: unknown): Refused {
  if (!Array.isArray(error)) throw error
  const [first] = error as { message: string; extensions?: { code?: string } }[]
  return new Refused(first?.extensions?.code ?? 'INTERNAL', first?.message ?? 'Unknown.')
}
