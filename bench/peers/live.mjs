// The usual Node server of subscriptions (graphql-ws on ws), told of events line by line on
// standard input; prints its address.
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'

const require = createRequire(`${process.argv[2]}/`)
const { buildSchema } = require('graphql')
const { useServer } = require('graphql-ws/use/ws')
const { WebSocketServer } = require('ws')

const schema = buildSchema(`
  type Transfer { transferId: String! amountRaw: String amount: Float senderId: String
    recipientId: String tokenId: String blockNumber: Int }
  interface LiveEvent { cursor: String! }
  type TransferSeen implements LiveEvent { cursor: String! transfer: Transfer! }
  input TransferEventFilter { wallets: [String!] }
  type Query { hello: String }
  type Subscription { transfers(filter: TransferEventFilter): TransferSeen! }
`)

const listeners = new Set()

function listen({ filter }) {
  const waiting = []
  const wanted = filter?.wallets && new Set(filter.wallets)
  let wake = null
  const hear = (item) => {
    const { senderId, recipientId } = item.transfers.transfer
    if (wanted && !wanted.has(senderId) && !wanted.has(recipientId)) return
    waiting.push(item)
    wake?.()
    wake = null
  }
  listeners.add(hear)
  return {
    [Symbol.asyncIterator]() {
      return this
    },
    async next() {
      while (waiting.length === 0) await new Promise((resolve) => (wake = resolve))
      return { done: false, value: waiting.shift() }
    },
    async return() {
      listeners.delete(hear)
      return { done: true }
    },
  }
}

const server = createServer()
const sockets = new WebSocketServer({ server, path: '/graphql', perMessageDeflate: false })
useServer({ schema, roots: { subscription: { transfers: listen } } }, sockets)
server.listen(0, '127.0.0.1', 4096, () => {
  console.log(`http://127.0.0.1:${server.address().port}`)
})
createInterface({ input: process.stdin }).on('line', (line) => {
  const body = JSON.parse(line)
  const transfer = {
    transferId: body.id,
    amountRaw: body.amount_raw,
    amount: body.amount,
    senderId: body.sender,
    recipientId: body.recipient,
    tokenId: body.token,
    blockNumber: body.block_number,
  }
  const item = { transfers: { __typename: 'TransferSeen', cursor: body.id, transfer } }
  for (const hear of listeners) hear(item)
})
