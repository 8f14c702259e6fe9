/**
 * What the phone keeps. One database per account, so that nothing of one account can show up in another's; and one
 * small database that knows the accounts and their links.
 */
import Dexie, { type EntityTable, type Table } from 'dexie'

import type { Clock } from './days'
import type { FormEntry, Household } from './packet'

export interface Account {
  /** Name of the account's database. */
  id: string
  name: string
  unit: string
  token: string
  current: 0 | 1
}

/** A form version that is complete on this phone: its XML and all its media are stored. */
export interface KeptForm extends FormEntry {
  text: string
  /** 1 while the server offers this version for new records; older ones stay for their drafts. */
  current: 0 | 1
}

export interface KeptMedia {
  form: number
  name: string
  md5: string
  blob: Blob
}

export type State = 'draft' | 'queued' | 'sent' | 'rejected'

/** One filled form. Times are the phone's own and only order things on this phone. */
export interface Instance {
  instanceId: string
  state: State
  form: number
  formId: string
  version: string
  title: string
  /** Whom it is about, in words. */
  subject: string
  household: number | null
  person: number | null
  task: number | null
  /** The task's last day when it was begun: once the server names another, it has counted the visit. */
  due: string
  /** The lists made for it when it was begun; they stay with it so that its prefill stays. */
  lists: Record<string, string>
  xml: string
  /** The record this one corrects. */
  replaces: string | null
  day: string
  changedAt: number
  queuedAt: number | null
  sentAt: number | null
  attempts: number
  nextAt: number
  /** Why it came back, in words; "" if it did not. */
  reason: string
  /** HTTP status of a refusal, 0 for a reviewer's return. */
  refused: number | null
  /** What the office says of a sent record. */
  review: '' | 'incomplete' | 'received' | 'accepted' | 'returned' | 'replaced'
}

export interface KeptFile {
  instanceId: string
  name: string
  blob: Blob
  sent: 0 | 1
}

/** "Nothing has changed", said of a task; it is sent once it can no longer be undone by a tap. */
export interface Confirmation {
  token: string
  task: number
  household: number | null
  subject: string
  title: string
  on: string
  state: 'waiting' | 'sent' | 'rejected'
  saidAt: number
  attempts: number
  nextAt: number
  reason: string
}

export interface Setting {
  key: string
  value: unknown
}

export class Store extends Dexie {
  settings!: EntityTable<Setting, 'key'>
  forms!: EntityTable<KeptForm, 'pk'>
  media!: Table<KeptMedia, [number, string]>
  households!: EntityTable<Household, 'id'>
  instances!: EntityTable<Instance, 'instanceId'>
  files!: Table<KeptFile, [string, string]>
  confirmations!: EntityTable<Confirmation, 'token'>

  constructor(name: string) {
    // Answers outlive an empty battery, not only a killed browser.
    super(name, { chromeTransactionDurability: 'strict' })
    this.version(1).stores({
      settings: 'key',
      forms: 'pk, form_id, current',
      media: '[form+name], form',
      households: 'id',
      instances: 'instanceId, state, household, form',
      files: '[instanceId+name], instanceId',
      confirmations: 'token, state, task',
    })
  }
}

class Accounts extends Dexie {
  accounts!: EntityTable<Account, 'id'>

  constructor() {
    super('huqing-field')
    this.version(1).stores({ accounts: 'id' })
  }
}

export const accounts = new Accounts()

export interface Settings {
  cursor: string
  clock: Clock
  user: { name: string; unit: string }
  parameters: Record<string, string>
  villages: import('./packet').Village[]
  leftOut: number
  syncedAt: number
  /** Why the server no longer takes this link, "" while it does. */
  revoked: string
  /** Forms that could not be fetched completely, in words. */
  missing: string[]
  persisted: boolean
}

export async function setting<K extends keyof Settings>(store: Store, key: K): Promise<Settings[K] | undefined> {
  return (await store.settings.get(key))?.value as Settings[K] | undefined
}

export async function keep<K extends keyof Settings>(store: Store, key: K, value: Settings[K]): Promise<void> {
  await store.settings.put({ key, value })
}

/** How browsers put it when something could not be written: by quota, at the end of a transaction, by a full disk. */
const NOT_WRITTEN = ['QuotaExceededError', 'AbortError', 'UnknownError']

/** Whether an error means that the phone's storage is full, as far as a browser lets anybody know. */
export function isFull(error: unknown): boolean {
  const { name = '', inner } = (error ?? {}) as { name?: string; inner?: unknown }
  return NOT_WRITTEN.includes(name) || (!!inner && inner !== error && isFull(inner))
}
