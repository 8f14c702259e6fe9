/** Filled forms on this phone: begun, saved, finished, corrected, removed. */
import type { Instance, KeptFile, KeptForm, Store } from './store'
import { isFull } from './store'

export interface Answers {
  instanceId: string
  xml: string
  files: Map<string, Blob>
  title?: string
}

export interface Beginning {
  form: KeptForm
  subject: string
  household: number | null
  person: number | null
  task: number | null
  /** The last day of the task when it was begun. */
  due: string
  lists: Record<string, string>
  replaces: string | null
  day: string
}

/** whole: everything is stored; answers: the answers are, a photograph is not; nothing: not even they fit. */
export type Saved = 'whole' | 'answers' | 'nothing'

/** Records that are open in some window of this browser, by lock; a lock ends with its window, however it ends. */
export const OPEN = 'huqing-open-'

/** The photographs last written for a record, so that saving an answer does not write them again. */
const written = new Map<string, Map<string, Blob>>()

/** The files of a record as they are stored. */
export async function filesOf(store: Store, instanceId: string): Promise<Map<string, Blob>> {
  const rows = await store.files.where({ instanceId }).toArray()
  const files = new Map(rows.map((row) => [row.name, row.blob]))
  written.set(instanceId, files)
  return new Map(files)
}

/**
 * Keep what has been answered so far. What is already on its way to the server is not touched: that is what a
 * second window, or a tap that came twice, finds.
 */
export async function saveDraft(store: Store, answers: Answers, begun: Beginning): Promise<Saved> {
  return save(store, answers, begun, 'draft')
}

/** Hand a record to the outbox; it goes only if it could be stored whole. */
export async function finish(store: Store, answers: Answers, begun: Beginning): Promise<Saved> {
  return save(store, answers, begun, 'queued')
}

async function save(store: Store, answers: Answers, begun: Beginning, state: 'draft' | 'queued'): Promise<Saved> {
  try {
    await write(store, answers, begun, state, true)
    return 'whole'
  } catch (error) {
    if (!isFull(error)) throw error
  }
  await makeRoom(store)
  try {
    await write(store, answers, begun, state, true)
    return 'whole'
  } catch (error) {
    if (!isFull(error)) throw error
  }
  try {
    // Never send half of a record: without its photographs it stays a draft.
    await write(store, answers, begun, 'draft', false)
    return 'answers'
  } catch (error) {
    if (!isFull(error)) throw error
    return 'nothing'
  }
}

async function write(store: Store, answers: Answers, begun: Beginning, state: 'draft' | 'queued', whole: boolean) {
  const { instanceId } = answers
  const known = written.get(instanceId) ?? new Map<string, Blob>()
  const kept = new Map<string, Blob>()
  await store.transaction('rw', store.instances, store.files, async () => {
    const before = await store.instances.get(instanceId)
    if (before && before.state !== 'draft' && before.state !== 'rejected') return
    const now = Date.now()
    const first = {
      form: begun.form.pk,
      formId: begun.form.form_id,
      version: begun.form.version,
      title: begun.form.title,
      subject: begun.subject || answers.title || '',
      household: begun.household,
      person: begun.person,
      task: begun.task,
      due: begun.due,
      lists: begun.lists,
      replaces: begun.replaces,
      day: begun.day,
    }
    const queued = state === 'queued'
    const row: Instance = {
      ...(before ?? first),
      instanceId,
      state,
      xml: answers.xml,
      changedAt: now,
      queuedAt: queued ? now : null,
      sentAt: null,
      attempts: 0,
      nextAt: 0,
      reason: queued ? '' : (before?.reason ?? ''),
      refused: queued ? null : (before?.refused ?? null),
      review: '',
    }
    await store.instances.put(row)
    const names = await store.files.where({ instanceId }).primaryKeys()
    await store.files.bulkDelete(names.filter(([, name]) => !answers.files.has(name)))
    for (const [name, blob] of answers.files) {
      if (known.get(name) !== blob) {
        if (!whole) continue
        await store.files.put({ instanceId, name, blob, sent: 0 } satisfies KeptFile)
      }
      kept.set(name, blob)
    }
    // Other answers: whatever the server may hold of an earlier attempt belongs to other XML.
    if (queued) await store.files.where({ instanceId }).modify({ sent: 0 })
  })
  written.set(instanceId, kept)
}

/** Free what the server already has: the photographs of sent records. */
export async function makeRoom(store: Store): Promise<void> {
  await store.transaction('rw', store.instances, store.files, async () => {
    const sent = await store.instances.where({ state: 'sent' }).primaryKeys()
    await store.files.where('instanceId').anyOf(sent).delete()
  })
}

/** What a record was begun with, for saving it again. */
export async function beginningOf(store: Store, row: Instance): Promise<Beginning | null> {
  const form = await store.forms.get(row.form)
  return form ? { ...row, form } : null
}

/** Remove a record and its files from the phone. */
export async function remove(store: Store, instanceId: string): Promise<void> {
  await store.transaction('rw', store.instances, store.files, async () => {
    await store.files.where({ instanceId }).delete()
    await store.instances.delete(instanceId)
  })
  written.delete(instanceId)
}

/** Whether the server may hold this record already: then a correction must be a record of its own that replaces it. */
export function isKnownToServer(row: Instance): boolean {
  return row.refused === 0 || row.refused === 409 || row.state === 'sent'
}

/** The draft that corrects a record, if one has been begun. */
export async function correctionOf(store: Store, instanceId: string): Promise<Instance | undefined> {
  const rows = await store.instances.where('state').anyOf('draft', 'queued', 'rejected').toArray()
  return rows.find((row) => row.replaces === instanceId)
}

/** How many things would be lost with this phone's data. */
export async function unsent(store: Store): Promise<number> {
  const records = await store.instances.where('state').anyOf('draft', 'queued', 'rejected').count()
  return records + (await store.confirmations.where({ state: 'waiting' }).count())
}
