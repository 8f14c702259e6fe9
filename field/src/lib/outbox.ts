/**
 * Sends what waits. One uploader for all windows of a browser (a lock), one record after the other, in batches that a
 * bad line can carry; what has arrived is remembered file by file, so a cut upload goes on where it was cut.
 */
import { Failure, ask, askJson, words } from './api'
import { isDue, nextAttempt } from './backoff'
import type { Confirmation, Instance, KeptFile, Store } from './store'
import { keep, setting } from './store'

/** Bytes of one request; more only if a single file is larger. */
export const BATCH = 5_000_000
/** For so long a confirmation can be taken back with one tap. */
export const UNDO = 8_000

export interface Sender {
  store: Store
  token: string
}

/** What the sender has to say at the end: when to come again (0: nothing waits) and why not everything went. */
export interface Outcome {
  again: number
  trouble: Failure | null
}

/** Send whatever is due. Does nothing while another window is at it. */
export async function flush(sender: Sender, now = false): Promise<Outcome> {
  const run = () => flushAlone(sender, now)
  const outcome = await navigator.locks.request(`huqing-outbox-${sender.store.name}`, { ifAvailable: true }, (lock) => (lock ? run() : null))
  return outcome ?? { again: Date.now() + 5_000, trouble: null }
}

async function flushAlone({ store, token }: Sender, now: boolean): Promise<Outcome> {
  let trouble: Failure | null = null
  const queue = await store.instances.where({ state: 'queued' }).sortBy('queuedAt')
  for (const row of queue) {
    if (trouble && trouble.kind !== 'busy') break
    if (now || isDue(row.nextAt)) trouble = (await deliver(store, token, row)) ?? trouble
  }
  if (!trouble || trouble.kind === 'busy') {
    for (const row of await store.confirmations.where({ state: 'waiting' }).sortBy('saidAt')) {
      if (Date.now() - row.saidAt < UNDO && Date.now() >= row.saidAt) continue
      if (now || isDue(row.nextAt)) trouble = (await confirm(store, token, row)) ?? trouble
      if (trouble && trouble.kind !== 'busy') break
    }
  }
  await note(store, trouble)
  return { again: trouble?.kind === 'revoked' ? 0 : await nextMoment(store), trouble }
}

/** Remember that the link is refused, or that it is taken again. */
export async function note(store: Store, trouble: Failure | null): Promise<void> {
  const before = (await setting(store, 'revoked')) ?? ''
  const after = trouble?.kind === 'revoked' ? trouble.message : trouble ? before : ''
  if (after !== before) await keep(store, 'revoked', after)
}

async function nextMoment(store: Store): Promise<number> {
  const rows = await store.instances.where({ state: 'queued' }).toArray()
  const said = await store.confirmations.where({ state: 'waiting' }).toArray()
  const moments = [...rows.map((row) => row.nextAt), ...said.map((row) => Math.max(row.nextAt, row.saidAt + UNDO))]
  return moments.length ? Math.max(Date.now() + 500, Math.min(...moments)) : 0
}

/** Send one record; returns what stopped it, null when it has arrived or came back for good. */
async function deliver(store: Store, token: string, row: Instance): Promise<Failure | null> {
  let most = BATCH
  for (;;) {
    const batch = batchOf(await unsentFiles(store, row), most)
    let said: string
    try {
      said = await post(token, row, batch.files, batch.more)
    } catch (error) {
      const failure = await aboutRecord(token, error as Failure)
      if (failure.status === 413 && batch.files.length > 1) {
        most = Math.ceil(most / 4)
        continue
      }
      return failure.kind === 'refused' ? back(store, row, failure) : later(store, row, failure)
    }
    await store.transaction('rw', store.instances, store.files, async () => {
      for (const file of batch.files) await store.files.update([file.instanceId, file.name], { sent: 1 })
      if (!batch.more) await arrived(store, row, said)
    })
    if (!batch.more) return null
  }
}

async function unsentFiles(store: Store, row: Instance): Promise<KeptFile[]> {
  return (await store.files.where({ instanceId: row.instanceId }).toArray()).filter((file) => !file.sent)
}

function batchOf(files: KeptFile[], most: number): { files: KeptFile[]; more: boolean } {
  const batch: KeptFile[] = []
  let size = 0
  for (const file of files) {
    if (batch.length && size + file.blob.size > most) break
    batch.push(file)
    size += file.blob.size
  }
  return { files: batch, more: batch.length < files.length }
}

/**
 * A 403 may be about the link or about this record only (a household that is no longer one's own): a link that still
 * opens another address is not the reason, and must not hold up what else waits.
 */
async function aboutRecord(token: string, failure: Failure): Promise<Failure> {
  if (failure.kind !== 'revoked') return failure
  try {
    await askJson(token, 'state', [])
  } catch (error) {
    return (error as Failure).kind === 'revoked' ? failure : (error as Failure)
  }
  return new Failure('refused', failure.message, failure.status)
}

/** Send a batch; returns what the server says about files it did not take. */
async function post(token: string, row: Instance, files: KeptFile[], more: boolean): Promise<string> {
  const body = new FormData()
  body.append('xml_submission_file', new Blob([row.xml], { type: 'text/xml' }), 'submission.xml')
  if (more) body.append('*isIncomplete*', 'yes')
  for (const file of files) body.append(file.name, file.blob, file.name)
  const headers = { 'X-OpenRosa-Version': '1.0' }
  const answer = await ask(token, 'submission', { method: 'POST', body, headers, patience: 600_000 })
  // Anything else that looks like success is not ours to believe.
  if (answer.status !== 201) throw new Failure('network', '服务器没有按约定回答，稍后自动重试', answer.status)
  return (await words(answer)).replace(/^已收下。/, '')
}

async function arrived(store: Store, row: Instance, said: string): Promise<void> {
  await store.instances.update(row.instanceId, { state: 'sent', sentAt: Date.now(), reason: said, refused: null, review: 'received' })
  if (row.replaces) {
    await store.files.where({ instanceId: row.replaces }).delete()
    await store.instances.delete(row.replaces)
  }
}

async function back(store: Store, row: Instance, failure: Failure): Promise<null> {
  await store.instances.update(row.instanceId, { state: 'rejected', reason: failure.message, refused: failure.status })
  return null
}

async function later(store: Store, row: Instance, failure: Failure): Promise<Failure> {
  const attempts = row.attempts + 1
  await store.instances.update(row.instanceId, { attempts, nextAt: nextAttempt(attempts, failure.wait), reason: failure.message })
  return failure
}

async function confirm(store: Store, token: string, row: Confirmation): Promise<Failure | null> {
  try {
    await askJson(token, 'unchanged', { task: row.task, on: row.on, token: row.token })
  } catch (error) {
    const failure = await aboutRecord(token, error as Failure)
    if (failure.kind === 'refused') {
      await store.confirmations.update(row.token, { state: 'rejected', reason: failure.message })
      return null
    }
    const attempts = row.attempts + 1
    await store.confirmations.update(row.token, { attempts, nextAt: nextAttempt(attempts, failure.wait), reason: failure.message })
    return failure
  }
  await store.confirmations.update(row.token, { state: 'sent', reason: '' })
  return null
}

const FINAL = ['accepted', 'replaced']
const ASKED_AT_ONCE = 200

/** Ask what became of sent records; a returned one comes back with its reason. */
export async function hearBack(store: Store, token: string): Promise<void> {
  const sent = (await store.instances.where({ state: 'sent' }).toArray()).filter((row) => !FINAL.includes(row.review))
  for (let at = 0; at < sent.length; at += ASKED_AT_ONCE) {
    const rows = sent.slice(at, at + ASKED_AT_ONCE)
    const { told } = await askJson(token, 'state', rows.map((row) => row.instanceId))
    const states = told as Record<string, { state: Instance['review']; reason: string }>
    for (const row of rows) {
      const now = states[row.instanceId]
      if (!now || now.state === row.review) continue
      const change = now.state === 'returned'
        ? { state: 'rejected' as const, reason: now.reason || '审核退回，没有写明原因', refused: 0, review: now.state }
        : { review: now.state }
      await store.instances.update(row.instanceId, change)
    }
  }
}
