/** One form being filled: what its questions share. Every change of an answer goes through `answer`, so that nothing is lost unseen. */
import type { AnyNode, RootNode } from '@getodk/xforms-engine'
import { computed, inject, nextTick, reactive, ref, shallowRef, type ComputedRef, type InjectionKey, type Ref, type ShallowRef } from 'vue'

import { FormProblem, answersOf, finishedAnswers, openForm, type Answers, type FetchAttachment, type Opened } from './engine.ts'
import { freeName } from './files.ts'
import { isUnchanged, pickerPaths, prefilledPaths, valueInFile } from './prefill.ts'
import { controls, countedRepeats, isAnswered, isAsked, labelOf, pathOf, relevantNodes, turnTitle, uploads, type Control } from './tree.ts'

export const SAVE_AFTER = 400

export interface Trouble {
  nodeId: string
  label: string
  message: string
}

export interface Progress {
  required: number
  missing: number
  answered: number
  asked: number
  prefilled: number
}

export interface Filling {
  opened: ShallowRef<Opened | null>
  problem: ShallowRef<FormProblem | null>
  // Counts how often the form was opened anew: after a computation broke, everything is drawn again from the last good draft.
  generation: Ref<number>
  // All that is missing is shown, not only what was touched.
  strict: Ref<boolean>
  // The opened turns of repeats, by node.
  unfolded: Set<string>
  // What is written but cannot become an answer, by node.
  unreadable: Map<string, string>
  // Counts the answers given, so that what is kept can be told from what is not yet.
  changes: Ref<number>
  // Where something is being typed that is not an answer yet.
  typing: Set<string>
  progress: ComputedRef<Progress>
  start(): Promise<void>
  answer(node: AnyNode, change: () => void): boolean
  save(): void
  // Ask for a last word before anything is saved or sent: what was typed a moment ago.
  beforeSaving(flush: () => void): () => void
  finish(): Promise<Answers | null>
  troubles(): Trouble[]
  messageFor(node: Control): string
  nextMissing(after?: string): string | null
  show(nodeId: string): Promise<void>
  isPrefilled(node: Control): boolean
  isPicker(node: Control): boolean
  isUnsupported(node: Control): boolean
  // Whether an answer here says how many turns a repeat has, and how many filled ones another number would take away.
  isCount(node: Control): boolean
  losing(node: Control, count: number): number
  fileName(wanted: string): string
  media(url: { href: string } | undefined): Promise<string>
  close(): void
}

export const FILLING: InjectionKey<Filling> = Symbol('filling')

export function useFilling(): Filling {
  const filling = inject(FILLING)
  if (!filling) throw new Error('A question stands outside a form')
  return filling
}

export interface Source {
  xml: string
  fetchAttachment: FetchAttachment
  restored?: Answers | undefined
  edit?: boolean | undefined
}

const REQUIRED = '这道题必须填'
const WRONG = '这个答案不符合要求，请检查'
/** Drawn on a map, or handed over by another app: nothing this screen can do. */
const BEYOND = new Set(['geotrace', 'geoshape', 'intent', 'binary'])
export const LOST_FILE = '文件在手机里找不到了，请重新拍或重新选，也可以删除'

export function fill(source: Source, keep: (answers: Answers, changes: number) => void, say: (words: string) => void): Filling {
  const opened = shallowRef<Opened | null>(null)
  const problem = shallowRef<FormProblem | null>(null)
  const generation = ref(0)
  const strict = ref(false)
  const unfolded = reactive(new Set<string>())
  const unreadable = reactive(new Map<string, string>())
  const changes = ref(0)
  const typing = reactive(new Set<string>())
  let handedOver = 0
  const flushes = new Set<() => void>()
  const pictures = new Map<string, Promise<string>>()
  // Which household the questions read; marks are made when the phone has time, after the questions are there.
  const subject = ref(0)
  const inFile = new Map<string, { subject: number; value: string }>()
  let paths: ReadonlyMap<string, string> = new Map()
  let pickers: ReadonlySet<string> = new Set()
  let counted: ReadonlyMap<string, string[]> = new Map()
  let good: Answers | null = null
  let recovering = false
  let timer: ReturnType<typeof setTimeout> | undefined

  const root = (): RootNode => opened.value!.root

  async function open(restored: Answers | undefined, edit: boolean): Promise<void> {
    const made = await openForm(source.xml, source.fetchAttachment, restored, edit)
    paths = prefilledPaths(made.model)
    pickers = pickerPaths(made.model)
    counted = countedRepeats(made.model)
    inFile.clear()
    unreadable.clear()
    typing.clear()
    flushes.clear()
    // What a broken computation took back is not waiting to be kept any more.
    changes.value = handedOver
    opened.value = made
    generation.value += 1
    good = answersOf(made.root)
    subject.value = 0
    whenIdle(() => (subject.value += 1))
  }

  async function start(): Promise<void> {
    try {
      await open(source.restored, source.edit ?? false)
    } catch (error) {
      problem.value = error instanceof FormProblem ? error : new FormProblem('这张表单打不开，请告诉县里的管理员。', String(error))
    }
  }

  function answer(node: AnyNode, change: () => void): boolean {
    if (recovering) return false
    try {
      change()
    } catch (error) {
      console.error(error)
      void recover()
      return false
    }
    changes.value += 1
    if (pickers.has(pathOf(node))) subject.value += 1
    timer ??= setTimeout(save, SAVE_AFTER)
    return true
  }

  async function recover(): Promise<void> {
    clearTimeout(timer)
    timer = undefined
    recovering = true
    try {
      await open(good ?? undefined, false)
      await nextTick()
      say('这个答案让表单算不下去，已回到刚才保存的内容。请换一种填法，并告诉县里的管理员。')
    } catch (error) {
      problem.value = error instanceof FormProblem ? error : new FormProblem('这张表单打不开，请告诉县里的管理员。', String(error))
    }
    recovering = false
  }

  function save(): void {
    for (const flush of [...flushes]) flush()
    if (timer === undefined) return
    clearTimeout(timer)
    timer = undefined
    good = answersOf(root())
    handedOver = changes.value
    keep(good, handedOver)
  }

  function beforeSaving(flush: () => void): () => void {
    flushes.add(flush)
    return () => flushes.delete(flush)
  }

  function isLost(node: Control): boolean {
    return node.nodeType === 'upload' && isAnswered(node) && node.currentState.value === null && !node.currentState.attachmentState.loading
  }

  function complaint(node: Control): string {
    const own = unreadable.get(node.nodeId)
    if (own) return own
    if (isLost(node)) return LOST_FILE
    const violation = node.validationState.violation
    if (!violation) return ''
    return violation.message?.asString.trim() || (violation.condition === 'required' ? REQUIRED : WRONG)
  }

  function messageFor(node: Control): string {
    if (!strict.value && node.validationState.violation?.condition === 'required' && !unreadable.has(node.nodeId)) return ''
    return complaint(node)
  }

  function troubles(): Trouble[] {
    const found: Trouble[] = []
    for (const node of controls(root())) {
      const message = isAsked(node) ? complaint(node) : ''
      if (message) found.push({ nodeId: node.nodeId, label: [...turnsAbove(node), labelOf(node) || '没有题目的题'].join('：'), message })
    }
    return found
  }

  async function finish(): Promise<Answers | null> {
    for (const flush of [...flushes]) flush()
    strict.value = true
    if (troubles().length) {
      save()
      return null
    }
    const answers = await finishedAnswers(root())
    if (troubles().length) return null
    clearTimeout(timer)
    timer = undefined
    good = answers
    return answers
  }

  const progress = computed<Progress>(() => {
    const count = { required: 0, missing: 0, answered: 0, asked: 0, prefilled: 0 }
    if (!opened.value) return count
    for (const node of controls(root())) {
      if (!isAsked(node)) continue
      count.asked += 1
      const done = isAnswered(node)
      if (done) count.answered += 1
      if (done && isPrefilled(node)) count.prefilled += 1
      if (node.currentState.required) {
        count.required += 1
        if (!done) count.missing += 1
      }
    }
    return count
  })

  // The next one below where the clerk is; from the top again after the last.
  function nextMissing(after?: string): string | null {
    let passed = after === undefined
    let first: string | null = null
    for (const node of controls(root())) {
      const missing = isAsked(node) && node.currentState.required && !isAnswered(node)
      if (missing && passed && node.nodeId !== after) return node.nodeId
      if (missing && first === null) first = node.nodeId
      if (node.nodeId === after) passed = true
    }
    return first
  }

  async function show(nodeId: string): Promise<void> {
    const node = [...controls(root())].find((each) => each.nodeId === nodeId)
    for (let above = node?.parent as AnyNode | null | undefined; above; above = above.parent as AnyNode | null) {
      if (above.nodeType === 'repeat-instance') unfolded.add(above.nodeId)
      if (above.nodeType === 'root') break
    }
    await nextTick()
    const box = document.getElementById(boxId(nodeId))
    box?.scrollIntoView({ block: 'center' })
    box?.querySelector<HTMLElement>('input:not([type=file]), textarea, button, [tabindex="0"]')?.focus({ preventScroll: true })
  }

  // What the file says only changes with an answer (another household chosen), so it is not read again at every drawing.
  function isPrefilled(node: Control): boolean {
    if (subject.value === 0 || !paths.size) return false
    const known = inFile.get(node.nodeId)
    if (known?.subject === subject.value) return isUnchanged(node, known.value)
    const value = valueInFile(node, paths)
    inFile.set(node.nodeId, { subject: subject.value, value })
    return isUnchanged(node, value)
  }

  function isUnsupported(node: Control): boolean {
    if (node.nodeType !== 'input') return false
    return BEYOND.has(node.valueType) || opened.value!.unsupported.some((question) => question.path === pathOf(node))
  }

  function losing(node: Control, count: number): number {
    const repeats = counted.get(pathOf(node)) ?? []
    let lost = 0
    for (const each of relevantNodes(root())) {
      if (each.nodeType !== 'repeat-range:controlled' || !repeats.includes(pathOf(each))) continue
      for (const turn of each.currentState.children.slice(count)) {
        if ([...controls(turn as AnyNode)].some((asked) => isAsked(asked) && isAnswered(asked))) lost += 1
      }
    }
    return lost
  }

  function fileName(wanted: string): string {
    return freeName(wanted, new Set([...uploads(root())].map((node) => node.currentState.instanceValue)))
  }

  function media(url: { href: string } | undefined): Promise<string> {
    if (!url) return Promise.resolve('')
    const name = decodeURIComponent(url.href.split('/').pop() ?? '')
    const kept = pictures.get(name)
    if (kept) return kept
    const made = source.fetchAttachment(name).then((content) => (content instanceof Blob ? URL.createObjectURL(content) : ''))
    pictures.set(name, made)
    return made
  }

  function close(): void {
    save()
    for (const picture of pictures.values()) void picture.then((address) => address && URL.revokeObjectURL(address))
    pictures.clear()
  }

  return { opened, problem, generation, strict, unfolded, unreadable, changes, typing, progress, start, answer, save, beforeSaving, finish, troubles, messageFor, nextMissing, show, isPrefilled, isPicker: (node) => pickers.has(pathOf(node)), isUnsupported, isCount: (node) => counted.has(pathOf(node)), losing, fileName, media, close }
}

/** The names of the repeats' turns a question stands in: whose health it is about. */
function turnsAbove(node: Control): string[] {
  const found: string[] = []
  for (let above = node.parent as AnyNode; above.nodeType !== 'root'; above = above.parent as AnyNode) {
    if (above.nodeType === 'repeat-instance') found.unshift(turnTitle(above) || `第 ${(above.parent.currentState.children as readonly AnyNode[]).indexOf(above) + 1} 条`)
  }
  return found
}

export function boxId(nodeId: string): string {
  return `question-${nodeId}`
}

function whenIdle(work: () => void): void {
  if (typeof requestIdleCallback === 'function') requestIdleCallback(work, { timeout: 2000 })
  else setTimeout(work, 200)
}
