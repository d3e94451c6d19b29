// The usual clients against the address given: prints what each of them saw, as JSON lines.
import { createRequire } from 'node:module'

const [address, modules, what, text] = process.argv.slice(2)
const given = JSON.parse(text)
const require = createRequire(`${modules}/`)
const say = (word) => process.stdout.write(`${JSON.stringify(word)}\n`)

const runs = {
  // Everything of a subscription until as many items came as are wanted.
  async socket({ query, variables, count }) {
    const { createClient } = require('graphql-ws')
    const client = createClient({
      url: `${address.replace('http', 'ws')}/graphql`,
      webSocketImpl: require('ws').WebSocket,
      retryAttempts: 0,
      on: { connected: () => say('connected') },
    })
    let seen = 0
    for await (const result of client.iterate({ query, variables })) {
      say(result)
      if (++seen === count) break
    }
    await client.dispose()
    say('over')
  },

  async stream({ query, variables, count }) {
    const { createClient } = require('graphql-sse')
    const client = createClient({
      url: `${address}/graphql`,
      retryAttempts: 0,
      onMessage: () => {},
    })
    let seen = 0
    for await (const result of client.iterate({ query, variables })) {
      say(result)
      if (++seen === count) break
    }
    client.dispose()
    say('over')
  },

  // The code that the server closes with for each way of breaking the protocol.
  async closes({ attempts }) {
    const { WebSocket } = require('ws')
    for (const { subprotocol, messages } of attempts) {
      const socket = new WebSocket(`${address.replace('http', 'ws')}/graphql`, subprotocol)
      socket.on('open', () => messages.forEach((message) => socket.send(JSON.stringify(message))))
      say(await new Promise((resolve) => socket.on('close', (code) => resolve(code))))
    }
  },
}

await runs[what](given)
