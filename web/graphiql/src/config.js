// What the server wrote into the page; the development server writes nothing.
const FALLBACK = { endpoint: '/graphql', examples: [] }

export function readConfig(text) {
  try {
    return { ...FALLBACK, ...JSON.parse(text) }
  } catch {
    return FALLBACK
  }
}
