import { defineConfig } from 'vite'

// Many packages mark modules for a server that renders React; here there is none.
const ofInterest = (warning) => warning.code !== 'MODULE_LEVEL_DIRECTIVE'

// The server puts the page at /graphql and everything that it loads below /graphiql/assets.
export default defineConfig({
  base: '/graphiql/',
  build: {
    outDir: '../../graph_api/server/static/graphiql',
    emptyOutDir: true,
    target: 'es2022',
    license: { fileName: 'licenses.md' },
    chunkSizeWarningLimit: 8000,
    rolldownOptions: { onwarn: (warning, warn) => ofInterest(warning) && warn(warning) },
  },
  // `npm run dev` shows the page at /graphiql/ and asks the server that runs on port 8000.
  server: { proxy: { '/graphql': 'http://127.0.0.1:8000' } },
})
