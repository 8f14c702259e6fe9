/** Which visits are late, which are open, which come later; and what this phone has already done about them. */
import { computed } from 'vue'

import { daysBetween, said } from './lib/days'
import type { Household, Task } from './lib/packet'
import type { Instance } from './lib/store'
import { confirmations, households, instances, today } from './state'

/**
 * late: past its day; soon: to be done within a month; open: can be done, with more time; later: not open yet;
 * done: recorded or confirmed on this phone and not yet seen in a packet.
 */
export type Stand = 'late' | 'soon' | 'open' | 'later' | 'done'

export const SOON = 30

export const recordsOf = computed(() => {
  const found = new Map<number, Instance[]>()
  for (const row of instances.value) {
    if (row.household === null) continue
    const rows = found.get(row.household)
    if (rows) rows.push(row)
    else found.set(row.household, [row])
  }
  return found
})

/** The server counts a visit a moment after it has arrived; if it has not by then, something is wrong. */
const COUNTED_BY = 24 * 3600 * 1000

const doneTasks = computed(() => {
  const done = new Map<number, string | null>()
  for (const row of instances.value) {
    const fresh = row.state === 'queued' || (row.state === 'sent' && Date.now() - (row.sentAt ?? 0) < COUNTED_BY)
    if (row.task !== null && fresh) done.set(row.task, row.due)
  }
  for (const row of confirmations.value) if (row.state !== 'rejected') done.set(row.task, null)
  return done
})

function isDone(task: Task): boolean {
  const due = doneTasks.value.get(task.id)
  return due === null || (due !== undefined && due === task.due)
}

export function standOf(task: Task): Stand {
  if (isDone(task)) return 'done'
  if (task.due && task.due < today.value) return 'late'
  if (task.opens && task.opens > today.value) return 'later'
  return task.due && daysBetween(today.value, task.due) <= SOON ? 'soon' : 'open'
}

export function wordsOf(task: Task): string {
  const stand = standOf(task)
  if (stand === 'done') return '本机已办'
  if (stand === 'later') return `${said(task.opens, today.value)}起可办`
  if (!task.due) return '可办'
  const days = daysBetween(today.value, task.due)
  if (days < 0) return `逾期 ${-days} 天`
  return days === 0 ? '今天到期' : `还有 ${days} 天`
}

export const TONES: Record<Stand, string> = { late: 'late', soon: 'soon', open: '', later: '', done: 'good' }

export interface Line {
  household: Household
  stand: Stand | null
  words: string
  /** What a search looks in. */
  text: string
  due: string
  drafts: number
  returned: number
}

function lineOf(household: Household): Line {
  const tasks = household.tasks.map((task) => ({ task, stand: standOf(task) }))
  const order: Stand[] = ['late', 'soon', 'open', 'later', 'done']
  tasks.sort((a, b) => order.indexOf(a.stand) - order.indexOf(b.stand) || (a.task.due || '9').localeCompare(b.task.due || '9'))
  const first = tasks[0]
  const records = recordsOf.value.get(household.id) ?? []
  const members = household.members.map((member) => member.name)
  return {
    household,
    stand: first?.stand ?? null,
    words: first ? wordsOf(first.task) : '',
    text: [household.head, household.number, household.group, household.grid, household.address, ...household.labels, ...members].join('\n').toLowerCase(),
    due: first && first.stand !== 'done' ? (first.stand === 'later' ? first.task.opens : first.task.due) || '9' : '99',
    drafts: records.filter((row) => row.state === 'draft').length,
    returned: records.filter((row) => row.state === 'rejected').length,
  }
}

/** All households, those that wait longest first. */
export const lines = computed(() => {
  const order = { late: 0, soon: 1, open: 2, later: 3, done: 4 }
  return households.value
    .map(lineOf)
    .sort((a, b) =>
      (a.stand ? order[a.stand] : 5) - (b.stand ? order[b.stand] : 5)
      || a.due.localeCompare(b.due)
      || a.household.group.localeCompare(b.household.group, 'zh-CN', { numeric: true })
      || a.household.number.localeCompare(b.household.number))
})
