// Compiles the contracts of this folder; prints {name: {abi, bytecode}} as JSON.
import { createRequire } from "node:module";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

const [sources, modules] = process.argv.slice(2);
const require = createRequire(join(modules, "package.json"));
const solc = require("solc");

const names = readdirSync(sources).filter((name) => name.endsWith(".sol"));
const input = {
  language: "Solidity",
  sources: Object.fromEntries(
    names.map((name) => [name, { content: readFileSync(join(sources, name), "utf8") }]),
  ),
  settings: {
    optimizer: { enabled: true, runs: 200 },
    outputSelection: { "*": { "*": ["abi", "evm.bytecode.object"] } },
  },
};
const output = JSON.parse(
  solc.compile(JSON.stringify(input), {
    import: (path) => ({ contents: readFileSync(join(modules, path), "utf8") }),
  }),
);
const errors = (output.errors ?? []).filter((error) => error.severity === "error");
if (errors.length) {
  console.error(errors.map((error) => error.formattedMessage).join("\n"));
  process.exit(1);
}
const compiled = {};
for (const name of names) {
  for (const [contract, made] of Object.entries(output.contracts[name])) {
    compiled[contract] = { abi: made.abi, bytecode: "0x" + made.evm.bytecode.object };
  }
}
console.log(JSON.stringify(compiled));
