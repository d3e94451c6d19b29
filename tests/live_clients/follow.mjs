// Compiles the client of the documents under strict rules, follows a subscription with it, and
// prints each item's number.
import { writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

const [address, modules, source, folder, query, text] = process.argv.slice(2)
const require = createRequire(`${modules}/`)
const ts = require('typescript')

const options = {
  strict: true,
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  lib: ['lib.es2022.d.ts', 'lib.dom.d.ts'],
  types: [],
  outDir: folder,
}
const program = ts.createProgram([source], options)
const faults = [...ts.getPreEmitDiagnostics(program), ...program.emit().diagnostics]
if (faults.length > 0) {
  const host = { getNewLine: () => '\n', getCurrentDirectory: () => '', getCanonicalFileName: (f) => f }
  throw new Error(ts.formatDiagnostics(faults, host))
}
writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
const { follow } = await import(join(folder, 'live_client.js'))
const { WebSocket } = require('ws')
const { after, ...variables } = JSON.parse(text)
try {
  for await (const item of follow(address, query, after, variables, WebSocket)) {
    process.stdout.write(`${JSON.stringify(item)}\n`)
  }
} catch (error) {
  process.stdout.write(`${JSON.stringify({ code: error.code, message: error.message })}\n`)
}
process.exit(0)
