/** What a tap on a page does: begin or continue a form, confirm that nothing changed, take it back. */
import { shallowRef } from 'vue'

import { isKnownToServer, correctionOf } from './lib/instances'
import { UNDO } from './lib/outbox'
import type { Household, Task, Village } from './lib/packet'
import type { Instance, KeptForm } from './lib/store'
import { address, go } from './router'
import { forms, instances, sendNow, store, today } from './state'

/** The version of a form that new records are filled in on. */
export function offeredForm(formId: string): KeptForm | undefined {
  return forms.value.find((form) => form.form_id === formId && form.current)
}

export interface About {
  household?: Household | undefined
  village?: Village | undefined
  task?: Task | undefined
}

/** A draft for the same matter, which is continued rather than begun a second time. */
export function draftFor(formId: string, about: About): Instance | undefined {
  return instances.value.find((row) => row.state === 'draft' && !row.replaces && row.formId === formId
    && row.household === (about.household?.id ?? null) && row.task === (about.task?.id ?? null))
}

/** Continue the draft for this, or begin. */
export function fillIn(form: KeptForm, about: About): void {
  const draft = draftFor(form.form_id, about)
  if (draft) return go(address('form', draft.instanceId))
  go(address('fill', String(form.pk), {
    household: about.household?.id ?? null,
    village: about.village?.id ?? null,
    task: about.task?.id ?? null,
    person: about.task?.person ?? null,
  }))
}

/** Continue a record: a returned one that the server holds is corrected by another, which replaces it. */
export async function continueWith(row: Instance): Promise<void> {
  const correction = await correctionOf(store.value!, row.instanceId)
  if (correction) return go(address('form', correction.instanceId))
  go(address('form', row.instanceId, isKnownToServer(row) ? { edit: 1 } : {}))
}

/** The confirmation that can still be taken back with one tap. */
export const undoable = shallowRef<{ token: string; words: string } | null>(null)
let timer: ReturnType<typeof setTimeout> | undefined

export async function confirmUnchanged(task: Task, about: About): Promise<void> {
  const token = crypto.randomUUID()
  await store.value!.transaction('rw', store.value!.confirmations, async () => {
    const before = await store.value!.confirmations.where({ task: task.id }).toArray()
    if (before.some((row) => row.state !== 'rejected')) return
    await store.value!.confirmations.bulkDelete(before.map((row) => row.token))
    await store.value!.confirmations.add({
      token,
      task: task.id,
      household: about.household?.id ?? null,
      subject: about.household?.head ?? about.village?.title ?? '',
      title: task.title,
      on: today.value,
      state: 'waiting',
      saidAt: Date.now(),
      attempts: 0,
      nextAt: 0,
      reason: '',
    })
  })
  undoable.value = { token, words: `已记“${task.title}”无变化` }
  clearTimeout(timer)
  timer = setTimeout(() => {
    undoable.value = null
    void sendNow()
  }, UNDO)
}

/** Take a confirmation back; false when it has already gone. */
export async function takeBack(token: string): Promise<boolean> {
  if (undoable.value?.token === token) {
    clearTimeout(timer)
    undoable.value = null
  }
  return store.value!.transaction('rw', store.value!.confirmations, async () => {
    const row = await store.value!.confirmations.get(token)
    if (!row || row.state === 'sent') return false
    await store.value!.confirmations.delete(token)
    return true
  })
}
