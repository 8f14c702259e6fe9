/** Ways through the engine's tree of nodes. */
import type { AnyNode, RootNode, SelectNode, UploadNode } from '@getodk/xforms-engine'

import { momentInWords, shownNumber, type Moment } from './values.ts'

export type Control = Extract<AnyNode, { nodeType: 'input' | 'note' | 'select' | 'range' | 'rank' | 'trigger' | 'upload' }>

const CONTROLS = new Set(['input', 'note', 'select', 'range', 'rank', 'trigger', 'upload'])

// Everything below a node that applies now, in the order of the form. What is not relevant is left out with all it holds.
export function* relevantNodes(node: AnyNode): Generator<AnyNode> {
  for (const child of (node.currentState.children ?? []) as readonly AnyNode[]) {
    if (!child.currentState.relevant) continue
    yield child
    yield* relevantNodes(child)
  }
}

export function* controls(node: AnyNode): Generator<Control> {
  for (const each of relevantNodes(node)) if (CONTROLS.has(each.nodeType)) yield each as Control
}

export function* uploads(root: RootNode): Generator<UploadNode> {
  for (const each of controls(root)) if (each.nodeType === 'upload') yield each
}

/** What a person can answer: neither notes nor what is read-only. */
export function isAsked(node: Control): boolean {
  return node.nodeType !== 'note' && !node.currentState.readonly
}

export function isAnswered(node: Control): boolean {
  return node.currentState.instanceValue !== ''
}

/** Where a node stands, without the positions of repeats: /data/members/health. */
export function pathOf(node: AnyNode): string {
  return node.currentState.reference.replace(/\[\d+\]/g, '')
}

export function labelOf(node: AnyNode): string {
  return node.currentState.label?.asString.trim() ?? ''
}

export function momentOf(node: Control): Moment | null {
  if (node.valueType === 'time' || node.valueType === 'dateTime') return node.valueType
  if (node.valueType !== 'date') return null
  const looks = node.appearances as { year?: boolean; 'month-year'?: boolean } | null
  return looks?.year ? 'year' : looks?.['month-year'] ? 'month' : 'date'
}

function chosenLabels(node: SelectNode): string {
  return node.currentState.value.map((value) => node.getValueOption(value)?.label.asString ?? value).join('、')
}

/** An answer as text a person reads; '' if there is none. */
export function answerInWords(node: Control): string {
  const value = node.currentState.instanceValue
  if (node.nodeType === 'select') return chosenLabels(node)
  const moment = momentOf(node)
  if (moment) return momentInWords(moment, value)
  return node.valueType === 'decimal' ? shownNumber(value) : value
}

/** Which question says how many turns a repeat has: path of the question → paths of the repeats. */
export function countedRepeats(model: Document): Map<string, string[]> {
  const found = new Map<string, string[]>()
  for (const repeat of model.getElementsByTagNameNS('*', 'repeat')) {
    const count = [...repeat.attributes].find((each) => each.localName === 'count')?.value.trim()
    if (count) found.set(count, [...(found.get(count) ?? []), repeat.getAttribute('nodeset')?.trim() ?? ''])
  }
  return found
}

/** The name of one turn of a repeat: its first answers, so that the clerk sees whom or what it is about. */
export function turnTitle(node: AnyNode): string {
  const found: string[] = []
  for (const each of controls(node)) {
    if (each.nodeType === 'upload' || each.nodeType === 'trigger') continue
    const words = answerInWords(each).trim()
    if (words) found.push(words.length > 16 ? `${words.slice(0, 16)}…` : words)
    if (found.length === (each.nodeType === 'note' ? 1 : 2)) break
  }
  return found.join('，')
}
