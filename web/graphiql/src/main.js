import 'graphiql/setup-workers/vite'
import 'graphiql/style.css'
import '@graphiql/plugin-explorer/style.css'
import './page.css'
import { explorerPlugin } from '@graphiql/plugin-explorer'
import { GraphiQL, HISTORY_PLUGIN } from 'graphiql'
import { createElement } from 'react'
import { createRoot } from 'react-dom/client'
import { readConfig } from './config.js'
import { createFetcher } from './fetcher.js'
import { firstTabs } from './tabs.js'

const WELCOME = '# Ctrl-Enter runs the query, Ctrl-Space completes a name.\n{\n  __typename\n}\n'

const { endpoint, examples } = readConfig(document.getElementById('config').textContent)

createRoot(document.getElementById('graphiql')).render(
  createElement(GraphiQL, {
    fetcher: createFetcher(endpoint),
    plugins: [HISTORY_PLUGIN, explorerPlugin()],
    defaultQuery: WELCOME,
    inputValueDeprecation: true,
    ...firstTabs(location.search, examples),
  }),
)
