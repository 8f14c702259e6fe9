// Loads forms in the engine that phones fill them in with, and says what it cannot do.
//
// Standard input: {"forms": [{"xml": "…", "files": {"household.csv": "id,title\n1,x\n"}}]}
// Standard output: {"results": [[{"nodeset", "attribute", "expression", "message"}, …], …]}, an empty list for a sound form.
// A mistake is found by what it breaks, taken out, and the form loaded again, so that all of them are told at once.
// With {"open": […]} instead, each with "answers" by reference, what comes back is the instance a phone would send.
import './dom.mjs'
import { readFileSync, writeSync } from 'node:fs'

const MOST_MISTAKES = 25
const MOST_TRIALS = 200
const SYNTAX = /^Expression has syntax error: ([\s\S]*)$/
const UNKNOWN = /Function '([^']+)' is not defined/
const SAMPLES = { int: 1n, decimal: 1.5, string: '1', date: '2024-01-01', time: '08:00:00.000', dateTime: '2024-01-01T08:00:00.000+08:00' }

const { loadForm } = await import('@getodk/xforms-engine')

function answering(files) {
  return (url) => {
    const name = decodeURIComponent(String(url).split('/').pop())
    const text = files[name]
    if (text === undefined) return Promise.resolve(new Response(null, { status: 404 }))
    const kind = name.endsWith('.csv') ? 'text/csv' : name.endsWith('.geojson') ? 'application/geo+json' : 'text/xml'
    return Promise.resolve(new Response(text, { status: 200, headers: { 'content-type': kind } }))
  }
}

function look(node) {
  const state = node.currentState
  void [state.relevant, state.required, state.readonly, state.value, state.label?.formatted, state.hint?.formatted]
  for (const option of state.valueOptions ?? []) void option.label?.formatted
  void node.validationState?.violation?.message
  for (const child of state.children ?? []) look(child)
}

function fill(node) {
  const state = node.currentState
  if (node.nodeType === 'input' && !state.readonly && state.relevant) node.setValue(SAMPLES[node.valueType] ?? SAMPLES.string)
  if (node.nodeType === 'select' && state.relevant && state.valueOptions.length) node.selectValue(state.valueOptions[0].value)
  if (node.nodeType === 'repeat-range:uncontrolled') node.addInstances()
  for (const child of node.currentState.children ?? []) fill(child)
}

async function use(xml, files) {
  const form = await loadForm(xml, { fetchFormAttachment: answering(files), missingResourceBehavior: 'BLANK' })
  if (form.status === 'failure') throw form.error
  look(form.createInstance().root)
  const { root } = form.createInstance()
  fill(root)
  look(root)
}

const ATTRIBUTES = {
  bind: ['calculate', 'relevant', 'constraint', 'required', 'readonly'],
  setvalue: ['value'],
  itemset: ['nodeset'],
  output: ['value'],
}

function expressions(document) {
  return Array.from(document.getElementsByTagName('*')).flatMap((element) =>
    (ATTRIBUTES[element.localName] ?? []).filter((name) => element.hasAttribute(name)).map((attribute) => ({
      element,
      attribute,
      expression: element.getAttribute(attribute).trim(),
      kind: element.localName,
      nodeset: about(element),
    })),
  )
}

function about(element) {
  for (let at = element; at?.getAttribute; at = at.parentNode) {
    if (at === element && at.localName === 'itemset') continue
    const found = at.getAttribute('nodeset') || at.getAttribute('ref') || (at.localName === 'text' && at.getAttribute('id')?.replace(/:.*/, ''))
    if (found && found.startsWith('/')) return found
  }
  return ''
}

const out = ({ element, attribute }) => (element.localName === 'itemset' ? element.parentNode.removeChild(element) : element.removeAttribute(attribute))

async function trouble(document, files) {
  try {
    await use(document.documentElement.outerHTML, files)
    return null
  } catch (error) {
    return String(error?.message ?? error)
  }
}

async function culprits(document, message, files) {
  const found = expressions(document)
  const syntax = SYNTAX.exec(message)
  if (syntax) return found.filter((item) => item.expression === syntax[1].trim())
  const unknown = UNKNOWN.exec(message)
  if (unknown) return found.filter((item) => item.expression.replace(/\s+\(/g, '(').includes(`${unknown[1]}(`))
  for (const [index, item] of found.slice(0, MOST_TRIALS).entries()) {
    const trial = document.cloneNode(true)
    out(expressions(trial)[index])
    if ((await trouble(trial, files)) !== message) return [item]
  }
  return []
}

async function check({ xml, files }) {
  const told = []
  let document
  try {
    document = new DOMParser().parseFromString(xml, 'text/xml')
  } catch (error) {
    return [{ nodeset: '', attribute: '', expression: '', message: String(error.message) }]
  }
  while (told.length < MOST_MISTAKES) {
    const message = await trouble(document, files)
    if (message === null) break
    const found = await culprits(document, message, files)
    if (!found.length) {
      told.push({ nodeset: '', attribute: '', expression: '', message })
      break
    }
    for (const item of found) {
      const attribute = item.kind === 'bind' ? item.attribute : item.kind
      told.push({ nodeset: item.nodeset, attribute, expression: item.expression, message })
      out(item)
    }
  }
  return told
}

function answer(node, answers) {
  const text = answers[node.currentState.reference]
  if (text !== undefined && node.nodeType === 'select') node.selectValues(text.split(' ').filter(Boolean))
  else if (text !== undefined) node.setValue(text)
  for (const child of node.currentState.children ?? []) answer(child, answers)
}

async function opened({ xml, files, answers }) {
  const form = await loadForm(xml, { fetchFormAttachment: answering(files) })
  if (form.status === 'failure') throw form.error
  const { root } = form.createInstance()
  answer(root, answers)
  answer(root, answers) // the first round makes others relevant
  return root.instanceState.instanceXML
}

const { forms = [], open = [] } = JSON.parse(readFileSync(0, 'utf8'))
const results = []
for (const form of forms) results.push(await check(form))
for (const form of open) results.push(await opened(form))
writeSync(1, JSON.stringify({ results }))
process.exit(0)
