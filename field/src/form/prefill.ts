/** Which answers come from the household file: the lists a form reads (lib/lists.ts) fill them at first, and here they are recognised. */
import type { AnyNode } from '@getodk/xforms-engine'

import { evaluate } from './engine.ts'
import { pathOf, type Control } from './tree.ts'

const READ = /^\s*instance\('(?:household|person|village|parameter)'\)\/root\/item\[[^[\]]*\]\/[\w.-]+\s*$/

/** Which questions are filled from the household file at first, and by which expression: path → expression. */
export function prefilledPaths(model: Document): Map<string, string> {
  const found = new Map<string, string>()
  for (const action of model.getElementsByTagNameNS('*', 'setvalue')) {
    const value = action.getAttribute('value') ?? ''
    if (READ.test(value)) found.set((action.getAttribute('ref') ?? '').trim(), value.trim())
  }
  return found
}

/** The questions that say whom the visit is about. */
export function pickerPaths(model: Document): Set<string> {
  const found = new Set<string>()
  for (const list of model.getElementsByTagNameNS('*', 'itemset')) {
    if (/^\s*instance\('(?:household|person|village)'\)/.test(list.getAttribute('nodeset') ?? '')) found.add(list.parentElement?.getAttribute('ref')?.trim() ?? '')
  }
  return found
}

/** What the file says for this question; '' if it says nothing or the question does not read the file. */
export function valueInFile(node: Control, paths: ReadonlyMap<string, string>): string {
  const expression = paths.get(pathOf(node))
  if (!expression) return ''
  try {
    return evaluate(node as AnyNode, expression)
  } catch {
    return ''
  }
}

/** An answer that still is what the file says: the same number, or the same choices in another order. */
export function isUnchanged(node: Control, inFile: string): boolean {
  const value = node.currentState.instanceValue
  if (!value || !inFile) return false
  if (value === inFile) return true
  if (node.valueType === 'int' || node.valueType === 'decimal') return Number(value) === Number(inFile)
  if (node.nodeType !== 'select') return false
  const sorted = (text: string): string => text.split(/\s+/).filter(Boolean).sort().join(' ')
  return sorted(value) === sorted(inFile)
}
