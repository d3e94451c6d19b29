// Uses GraphiQL as a visitor does, and prints as JSON what was seen.
import { createRequire } from 'node:module'

const [address, chromium, modules, screenshot] = process.argv.slice(2)
const { chromium: browserType } = createRequire(`${modules}/`)('playwright-core')

const browser = await browserType.launch({
  executablePath: chromium,
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ],
})
const seen = { problems: [], hosts: [] }
const page = await browser.newPage({ viewport: { width: 1400, height: 900 } })
page.setDefaultTimeout(15_000)
watch(page)
try {
  await page.goto(`${address}/graphql`)
  const run = page.locator('.graphiql-execute-button')
  const query = page.locator('.graphiql-query-editor .view-lines')
  await query.filter({ hasText: 'Greeting' }).waitFor()
  await page.locator('.graphiql-editor-tool .view-lines').filter({ hasText: 'name' }).waitFor()
  seen.tabs = await page.locator('.graphiql-tab-button').allInnerTexts()

  await run.click()
  seen.example = await answer(page, 'Hello, </script>!')

  await page.getByRole('button', { name: 'New tab' }).click()
  await query.filter({ hasNotText: 'Greeting' }).click()
  await page.keyboard.press('Control+A')
  await page.keyboard.type('{ hello(name: "typed by hand"')
  await page.keyboard.press('Control+Enter')
  seen.typed = await answer(page, 'typed by hand')

  await page.getByRole('button', { name: 'Show Documentation Explorer' }).click()
  await page.locator('.graphiql-doc-explorer').getByText('Mutation', { exact: true }).waitFor()
  seen.documentation = true
  await page.getByRole('button', { name: 'Show GraphiQL Explorer' }).click()
  await page.locator('.graphiql-plugin').getByText('hello').first().waitFor()
  seen.explorer = true
  await page.screenshot({ path: screenshot })

  await query.filter({ hasText: 'typed by hand' }).click()
  await page.keyboard.press('Control+A')
  await page.keyboard.type('subscription { steps')
  const ended = page.waitForEvent('requestfinished', (sent) => sent.postData()?.includes('steps'))
  await page.keyboard.press('Control+Enter')
  seen.streamed = await answer(page, 'the last')
  await ended

  await page.goto(`${address}/graphql?query=${encodeURIComponent('{ hello(name: "linked") }')}`)
  await query.filter({ hasText: 'linked' }).waitFor()
  await run.click()
  seen.linked = await answer(page, 'linked')
} catch (error) {
  seen.problems.push(String(error))
  await page.screenshot({ path: screenshot })
} finally {
  await browser.close()
}
process.stdout.write(JSON.stringify(seen))

function watch(page) {
  page.on('console', (message) => {
    if (message.type() === 'error') seen.problems.push(message.text())
  })
  page.on('pageerror', (error) => seen.problems.push(String(error)))
  page.on('requestfailed', (request) => seen.problems.push(`${request.url()} failed`))
  page.on('request', (request) => {
    const { protocol, host } = new URL(request.url())
    if (protocol.startsWith('http') && !seen.hosts.includes(host)) seen.hosts.push(host)
  })
}

// The whole result pane, once it shows the words; the editor writes no-break spaces.
async function answer(page, words) {
  const lines = page.locator('.result-window .view-lines')
  const spaced = words.replaceAll(' ', '[\\s\\u00a0]')
  await lines.filter({ hasText: new RegExp(spaced) }).waitFor()
  return (await lines.innerText()).replaceAll('\u00a0', ' ')
}
