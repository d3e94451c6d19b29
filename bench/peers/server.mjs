// @neo4j/graphql over the graph of Deskgraph, served by graphql-yoga or by Apollo Server.
//   PEER=yoga|apollo  BOLT_URL  BOLT_USER  BOLT_PASSWORD  BOLT_DATABASE
// Prints the port it listens on.
import { createServer } from "node:http";
import { Neo4jGraphQL } from "@neo4j/graphql";
import neo4j from "neo4j-driver";

const typeDefs = `
  type Wallet @node {
    id: ID!
    chain: String!
    address: String!
    kind: String!
    first_seen_at: Float
    last_seen_at: Float
    transfers_in: Int!
    transfers_out: Int!
    flows_in: Int!
    flows_out: Int!
    sent: [Transfer!]! @relationship(type: "SENT", direction: OUT)
    newest(limit: Int!): [Transfer!]! @cypher(
      statement: "MATCH (this)-[:SENT]->(t:Transfer) RETURN t ORDER BY t.sender_key LIMIT $limit"
      columnName: "t"
    )
    busiest(limit: Int!): [Flow!]! @cypher(
      statement: "MATCH (this)-[r:FLOWED]->() WITH r.id AS flow MATCH (f:Flow {id: flow}) RETURN f ORDER BY f.transfers DESC, f.id LIMIT $limit"
      columnName: "f"
    )
    partners(limit: Int!): [Partner!]! @cypher(
      statement: "MATCH (this)-[:SENT]->(t:Transfer) WITH this.id AS sender, t.recipient AS recipient, t.token AS token, count(*) AS transfers, sum(t.amount) AS amount ORDER BY transfers DESC, recipient, token LIMIT $limit RETURN {sender: sender, recipient: recipient, token: token, transfers: transfers, amount: amount} AS partner"
      columnName: "partner"
    )
  }
  type Partner {
    sender: String!
    recipient: String!
    token: String
    transfers: Int!
    amount: Float
  }
  type Transfer @node {
    id: ID!
    chain: String!
    position: String!
    amount_raw: String
    amount: Float
    block_number: Float
    block_time: Float
    sender: String
    recipient: String!
    token: String
    order_key: String!
    reached: [Wallet!]! @relationship(type: "REACHED", direction: OUT)
    asset: Token @cypher(
      statement: "MATCH (k:Token {id: this.token}) RETURN k"
      columnName: "k"
    )
  }
  type Query {
    shortestPath(from: ID!, to: ID!): [Wallet!]! @cypher(
      statement: "MATCH (a:Wallet {id: $from}), (b:Wallet {id: $to}) MATCH p = shortestPath((a)-[:FLOWED*..6]->(b)) UNWIND nodes(p) AS w RETURN w"
      columnName: "w"
    )
    partnersOfPartners(id: ID!, limit: Int!): [Partner!]! @cypher(
      statement: "MATCH (w:Wallet {id: $id})-[:SENT]->(t:Transfer) WITH w.id AS sender, t.recipient AS recipient, t.token AS token, count(*) AS transfers, sum(t.amount) AS amount ORDER BY transfers DESC, recipient, token LIMIT $limit WITH collect({sender: sender, recipient: recipient, token: token, transfers: transfers, amount: amount}) AS near UNWIND near AS one WITH near, collect(DISTINCT one.recipient) AS recipients UNWIND recipients AS id CALL (id) { MATCH (:Wallet {id: id})-[:SENT]->(t:Transfer) WITH id AS sender, t.recipient AS recipient, t.token AS token, count(*) AS transfers, sum(t.amount) AS amount ORDER BY transfers DESC, recipient, token LIMIT $limit RETURN collect({sender: sender, recipient: recipient, token: token, transfers: transfers, amount: amount}) AS far } WITH near, collect(far) AS fars UNWIND [near] + fars AS some UNWIND some AS partner RETURN DISTINCT partner"
      columnName: "partner"
    )
  }
  type Token @node {
    id: ID!
    symbol: String
    decimals: Int
  }
  type Flow @node {
    id: ID!
    sender: String!
    recipient: String!
    token: String
    transfers: Int!
    amount_raw: String
    to: Wallet @cypher(
      statement: "MATCH (w:Wallet {id: this.recipient}) RETURN w"
      columnName: "w"
    )
  }
`;

const env = process.env;
const driver = neo4j.driver(env.BOLT_URL, neo4j.auth.basic(env.BOLT_USER, env.BOLT_PASSWORD));
const schema = await new Neo4jGraphQL({ typeDefs, driver }).getSchema();
const context = () => ({
  executionContext: driver,
  sessionConfig: { database: env.BOLT_DATABASE },
  // The embedded engine does not read the version prefix that the library adds.
  cypherQueryOptions: { addVersionPrefix: false },
});

async function handler() {
  if (env.PEER === "yoga") {
    const { createYoga } = await import("graphql-yoga");
    return createYoga({ schema, context, logging: false, graphiql: false });
  }
  const { ApolloServer, HeaderMap } = await import("@apollo/server");
  const apollo = new ApolloServer({ schema, includeStacktraceInErrorResponses: false });
  await apollo.start();
  return async (request, response) => {
    let text = "";
    for await (const part of request) text += part;
    const headers = new HeaderMap(Object.entries(request.headers).map(([k, v]) => [k, String(v)]));
    const answer = await apollo.executeHTTPGraphQLRequest({
      httpGraphQLRequest: { method: request.method, headers, search: "", body: JSON.parse(text) },
      context: async () => context(),
    });
    for (const [name, value] of answer.headers) response.setHeader(name, value);
    response.statusCode = answer.status ?? 200;
    response.end(answer.body.kind === "complete" ? answer.body.string : "");
  };
}

const server = createServer(await handler());
server.keepAliveTimeout = 60_000;
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
process.on("SIGTERM", () => process.exit(0));
