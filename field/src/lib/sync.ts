/** Brings the phone up to date: what waits goes out, the packet comes in, forms that are complete become usable. */
import { Failure, askBytes, askJson } from './api'
import { heard } from './days'
import { unsent } from './instances'
import { md5 } from './md5'
import { flush, hearBack, note, type Sender } from './outbox'
import { asPacket, type FormEntry, type Packet } from './packet'
import { keep, setting, type KeptForm, type KeptMedia, type Store } from './store'

/** Days that sent records stay to be looked at. */
const KEEP_SENT = 60 * 24 * 3600 * 1000

/**
 * One round; throws the Failure that stopped it. What came before stays.
 *
 * `arrived` is a packet that has been taken in a moment ago, by opening the link: it is not asked for again, unless
 * something waits to go out first and will change it.
 */
export async function sync(sender: Sender, arrived: Packet | null = null): Promise<void> {
  const { store, token } = sender
  await navigator.locks.request(`huqing-sync-${store.name}`, { ifAvailable: true }, async (lock) => {
    if (!lock) return
    try {
      const fresh = arrived && !(await unsent(store)) ? arrived : null
      await flush(sender, true)
      const packet = fresh ?? (await fetchPacket(sender))
      await takeForms(sender, packet.forms)
      await hearBack(store, token)
      await tidy(store)
      await keep(store, 'syncedAt', Date.now())
      await note(store, null)
    } catch (error) {
      if (error instanceof Failure) await note(store, error)
      throw error
    }
  })
}

async function fetchPacket({ store, token }: Sender): Promise<Packet> {
  const cursor = (await setting(store, 'cursor')) ?? ''
  const { told, date } = await askJson(token, `packet?since=${encodeURIComponent(cursor)}`)
  const packet = readable(told)
  await takeIn(store, packet, date)
  return packet
}

/** The packet in an answer; somebody else's JSON is no answer. */
export function readable(told: unknown): Packet {
  try {
    return asPacket(told)
  } catch {
    throw new Failure('network', '服务器的回答读不懂，稍后自动重试')
  }
}

/** Write a packet down, all of it or nothing. */
export async function takeIn(store: Store, packet: Packet, date: string | null): Promise<void> {
  await store.transaction('rw', store.settings, store.households, store.confirmations, async () => {
    if (packet.full) await store.households.clear()
    await store.households.bulkPut(packet.households)
    await store.households.bulkDelete(packet.gone)
    await keep(store, 'clock', heard(packet.day, date))
    await keep(store, 'user', packet.user)
    await keep(store, 'parameters', packet.parameters)
    await keep(store, 'villages', packet.villages)
    await keep(store, 'leftOut', packet.left_out ?? 0)
    await keep(store, 'cursor', packet.cursor)
    // What was confirmed shows in the tasks of this packet.
    await store.confirmations.where({ state: 'sent' }).delete()
  })
}

/** Fetch new form versions; each is offered only once its XML and all its files are here and are what was announced. */
export async function takeForms(sender: Sender, entries: FormEntry[]): Promise<void> {
  const { store } = sender
  const missing: string[] = []
  for (const entry of entries) {
    const known = await store.forms.get(entry.pk)
    const same = known && sameForm(known, entry)
    if (same && known.current && isAsAnnounced(known, entry)) continue
    const fetched = same ? { form: { ...known, ...entry, current: 1 as const }, media: null } : await fetchForm(sender, entry)
    if (!fetched) {
      missing.push(entry.title)
      continue
    }
    await store.transaction('rw', store.forms, store.media, async () => {
      if (fetched.media) {
        await store.media.where({ form: entry.pk }).delete()
        await store.media.bulkPut(fetched.media)
      }
      await store.forms.where({ form_id: entry.form_id }).modify({ current: 0 })
      await store.forms.put(fetched.form)
    })
  }
  await retire(store, entries)
  await keep(store, 'missing', missing)
}

/** Whether nothing about a kept form has to be written again. */
function isAsAnnounced(known: KeptForm, entry: FormEntry): boolean {
  return Object.entries(entry).every(([key, value]) => JSON.stringify(known[key as keyof FormEntry]) === JSON.stringify(value))
}

function sameForm(known: KeptForm, entry: FormEntry): boolean {
  const sums = (form: FormEntry) => form.media.map((file) => `${file.name} ${file.md5}`).sort().join('\n')
  return known.md5 === entry.md5 && sums(known) === sums(entry)
}

async function fetchForm({ store, token }: Sender, entry: FormEntry): Promise<{ form: KeptForm; media: KeptMedia[] } | null> {
  const xml = await fetchPart(token, entry.xml, entry.md5)
  if (!xml) return null
  const media: KeptMedia[] = []
  for (const file of entry.media) {
    const kept = await store.media.get([entry.pk, file.name])
    const part = kept?.md5 === file.md5 ? { blob: kept.blob } : await fetchPart(token, file.url, file.md5)
    if (!part) return null
    media.push({ form: entry.pk, name: file.name, md5: file.md5, blob: part.blob })
  }
  return { form: { ...entry, text: await xml.blob.text(), current: 1 }, media }
}

/** One file, or null when the server has it no longer or it did not arrive whole; trouble with the line is thrown. */
async function fetchPart(token: string, path: string, sum: string): Promise<{ blob: Blob } | null> {
  try {
    const { bytes, type } = await askBytes(token, path)
    return md5(bytes) === sum.replace(/^md5:/, '') ? { blob: new Blob([bytes], { type }) } : null
  } catch (error) {
    if ((error as Failure).kind === 'refused' || (error as Failure).kind === 'busy') return null
    throw error
  }
}

/** Versions no longer offered stay only as long as a record needs them. */
async function retire(store: Store, entries: FormEntry[]): Promise<void> {
  const offered = new Set(entries.map((entry) => entry.form_id))
  await store.transaction('rw', store.forms, store.media, store.instances, async () => {
    for (const form of await store.forms.toArray()) {
      if (!offered.has(form.form_id) && form.current) await store.forms.update(form.pk, { current: 0 })
      const old = !offered.has(form.form_id) || !form.current
      if (old && !(await store.instances.where({ form: form.pk }).count())) {
        await store.media.where({ form: form.pk }).delete()
        await store.forms.delete(form.pk)
      }
    }
  })
}

/** Photographs go once the office has accepted a record, or after two months; an accepted record goes then too. */
async function tidy(store: Store): Promise<void> {
  await store.transaction('rw', store.instances, store.files, async () => {
    for (const row of await store.instances.where({ state: 'sent' }).toArray()) {
      const settled = row.review === 'accepted' || row.review === 'replaced'
      const old = row.sentAt !== null && Date.now() - row.sentAt > KEEP_SENT
      if (settled || old) await store.files.where({ instanceId: row.instanceId }).delete()
      if (settled && old) await store.instances.delete(row.instanceId)
    }
  })
}
