// Runs every audit of graphql-http against the address given and prints the results as JSON.
import { createRequire } from 'node:module'

const [address, modules] = process.argv.slice(2)
const { auditServer } = createRequire(`${modules}/`)('graphql-http')
const results = await auditServer({ url: address })
const shown = results.map(({ id, name, status, reason }) => ({ id, name, status, reason }))
process.stdout.write(JSON.stringify(shown))
