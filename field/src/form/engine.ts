/** Opens a form in the engine: new, restored from a draft, or as an edit of a record that has been sent. */
import { loadForm } from '@getodk/xforms-engine'
import type { AnyNode, RootNode } from '@getodk/xforms-engine'
import { shallowReactive } from 'vue'

import { uploads } from './tree.ts'

export interface Answers {
  xml: string
  files: Map<string, Blob>
}

/** A form's attachment by its file name; null if there is none of that name. */
export type FetchAttachment = (name: string) => Promise<Blob | string | null | undefined>

export interface Question {
  path: string
  label: string
  // It has a place among the questions, where this is said.
  placed: boolean
}

export interface Opened {
  root: RootNode
  title: string
  // Attachments the form asks for and the phone does not have.
  missing: string[]
  // Questions that cannot be shown here; named, so that nobody believes the form was complete without them.
  unsupported: Question[]
  model: Document
}

export class FormProblem extends Error {
  readonly detail: string

  constructor(message: string, detail = '') {
    super(message)
    this.detail = detail
  }
}

const INSTANCE_FILE = 'xml_submission_file'
const TYPES: Record<string, string> = { csv: 'text/csv', xml: 'text/xml', geojson: 'application/geo+json' }
const SUPPORTED = new Set(['input', 'select', 'select1', 'upload', 'range', 'trigger', 'rank', 'group', 'repeat'])

export async function openForm(xml: string, fetchAttachment: FetchAttachment, restored?: Answers, edit = false): Promise<Opened> {
  const missing: string[] = []
  const form = await loadForm(withDeprecated(xml), {
    fetchFormAttachment: (url) => attachment(url, fetchAttachment, missing),
    missingResourceBehavior: 'BLANK',
  })
  if (form.status === 'failure') throw new FormProblem('这张表单打不开，请告诉县里的管理员。', String(form.error?.message ?? form.error))
  // A repeat as long as its list would be cut to nothing, and the answers in it with it.
  if (restored && missing.length) throw new FormProblem('手机里缺少这张表要用的名单，先不打开，免得丢了填过的内容。请联网同步后再打开；还不行就告诉县里的管理员。', missing.join(' '))
  // Nothing places anybody without a press on the button: no geolocationProvider.
  const config = { stateFactory: shallowReactive }
  let root: RootNode
  try {
    if (!restored) root = form.createInstance(config).root
    else if (edit) root = (await form.editInstance({ inputType: 'FORM_INSTANCE_INPUT_RESOLVED', data: [formData(restored)] }, config)).root
    else root = (await form.restoreInstance({ data: [formData(restored)] }, config)).root
  } catch (error) {
    const words = restored ? '这份记录打不开，内容可能已损坏。记录还在手机里，请告诉县里的管理员。' : '这张表单打不开，请告诉县里的管理员。'
    throw new FormProblem(words, String(error))
  }
  speakChinese(root)
  await settled(root)
  const model = new DOMParser().parseFromString(xml, 'text/xml')
  const title = model.getElementsByTagNameNS('*', 'title')[0]?.textContent?.trim() ?? ''
  return { root, title, missing, unsupported: unsupportedIn(model), model }
}

async function attachment(url: URL, fetchAttachment: FetchAttachment, missing: string[]): Promise<Response> {
  const name = decodeURIComponent(url.href.split('/').pop() ?? '')
  // The record saved last is something of Collect's own; a form does without it.
  if (url.href.includes('/last-saved')) return new Response(null, { status: 404 })
  const content = await fetchAttachment(name)
  if (content === null || content === undefined) {
    missing.push(name)
    return new Response(null, { status: 404 })
  }
  const kind = TYPES[name.split('.').pop()?.toLowerCase() ?? ''] ?? (content instanceof Blob ? content.type : '')
  return new Response(content, { status: 200, headers: kind ? { 'content-type': kind } : {} })
}

/** The engine forgets what a restored edit replaces unless the model has a place for it, so there always is one. */
export function withDeprecated(xml: string): string {
  if (/<(?:[\w.-]+:)?deprecatedID[\s/>]/.test(xml)) return xml
  return xml.replace(/<((?:[\w.-]+:)?)instanceID(?:\s[^>]*)?(?:\/>|>\s*<\/\1instanceID>)/, '$&<$1deprecatedID/>')
}

function withoutEmptyDeprecated(xml: string): string {
  return xml.replace(/<((?:[\w.-]+:)?)deprecatedID(?:\s[^>]*)?(?:\/>|>\s*<\/\1deprecatedID>)/, '')
}

function formData(answers: Answers): never {
  const data = new FormData()
  data.set(INSTANCE_FILE, new File([answers.xml], INSTANCE_FILE, { type: 'text/xml' }))
  for (const [name, blob] of answers.files) {
    const file = new File([blob], name, { type: blob.type })
    originals.set(file, blob)
    data.set(name, file)
  }
  return data as never
}

/** The stored blob of a restored file, so that its owner sees that it is the same and need not be written again. */
const originals = new WeakMap<File, Blob>()

function speakChinese(root: RootNode): void {
  const chinese = root.languages.find((each) => !each.isSyntheticDefault && /中文|汉语|普通话|zh|chinese/i.test(each.language))
  if (chinese && !chinese.isSyntheticDefault) root.setLanguage(chinese)
}

/** Restored files arrive a few turns later; until then the engine would leave them out of everything. */
async function settled(root: RootNode): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) {
    if (![...uploads(root)].some((node) => node.currentState.attachmentState.loading)) return
    await new Promise((resolve) => setTimeout(resolve))
  }
}

function unsupportedIn(model: Document): Question[] {
  const found: Question[] = []
  const body = [...model.getElementsByTagNameNS('*', 'body')][0]
  for (const element of body?.querySelectorAll('[ref], [nodeset]') ?? []) {
    const parent = element.parentElement?.localName ?? ''
    if (['label', 'hint', 'value', 'itemset', 'output', 'setvalue', 'setgeopoint', 'copy'].includes(element.localName)) continue
    if (['itemset', 'item', 'label', 'hint'].includes(parent)) continue
    const label = [...element.children].find((child) => child.localName === 'label')?.textContent?.trim()
    const path = (element.getAttribute('ref') ?? element.getAttribute('nodeset') ?? '').trim()
    const known = SUPPORTED.has(element.localName)
    // Choosing from itemsets.csv: the engine would take any word for an answer.
    if (!known || (element.localName === 'input' && element.hasAttribute('query'))) found.push({ path, label: label || path.split('/').pop() || path, placed: known })
  }
  return found
}

/** The answers as they are now: what a draft keeps and what is sent. */
export function answersOf(root: RootNode): Answers {
  return { xml: withoutEmptyDeprecated(root.instanceState.instanceXML), files: filesOf(root) }
}

/** As answersOf, after everything that is stamped at the end (such as the time the form was finished). */
export async function finishedAnswers(root: RootNode): Promise<Answers> {
  await root.prepareInstancePayload()
  return answersOf(root)
}

/** An empty file stands for a removed one: the engine keeps the old name when a restored file is set to nothing. */
export function filesOf(root: RootNode): Map<string, Blob> {
  const files = new Map<string, Blob>()
  for (const node of uploads(root)) {
    const file = node.currentState.value
    if (file && file.size > 0) files.set(node.currentState.instanceValue, originals.get(file) ?? file)
  }
  return files
}

export function instanceIdOf(xml: string): string {
  return /<(?:[\w.-]+:)?instanceID[^>]*>([^<]+)</.exec(xml)?.[1]?.trim() ?? ''
}

/** What the form calls this record, if it does; its own title else. */
export function recordTitle(xml: string, formTitle: string): string {
  const text = /<(?:[\w.-]+:)?instanceName[^>]*>([^<]+)</.exec(xml)?.[1] ?? ''
  return text.replace(/&lt;/g, '<').replace(/&gt;/g, '>').replace(/&quot;/g, '"').replace(/&apos;/g, "'").replace(/&amp;/g, '&').trim() || formTitle
}

/** An expression of the form read where a node stands. The engine offers this to its own computations only; its version is pinned. */
export function evaluate(node: AnyNode, expression: string): string {
  const inner = node as unknown as { evaluator: { evaluateString(expression: string, options: { contextNode: unknown }): string }; contextNode: unknown }
  return inner.evaluator.evaluateString(expression, { contextNode: inner.contextNode })
}
