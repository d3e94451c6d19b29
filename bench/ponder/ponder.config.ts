// What is indexed: one token on one chain, from its first block to BENCH_END.
import { createConfig } from "ponder";

const address = (name: string) => ({ type: "address", name, indexed: true }) as const;

export default createConfig({
  database: { kind: "pglite", directory: process.env.BENCH_DATABASE! },
  chains: {
    ethereum: { id: 1, rpc: process.env.BENCH_NODE!, maxRequestsPerSecond: 100_000 },
  },
  contracts: {
    Coin: {
      chain: "ethereum",
      abi: [
        {
          type: "event",
          name: "Transfer",
          inputs: [address("from"), address("to"), { type: "uint256", name: "value" }],
        },
      ],
      address: process.env.BENCH_COIN as `0x${string}`,
      startBlock: 1,
      endBlock: Number(process.env.BENCH_END),
    },
  },
});
