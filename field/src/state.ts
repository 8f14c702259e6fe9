/** What the pages look at: the account, its stored things as they change, and how far the sync is. */
import { liveQuery } from 'dexie'
import { computed, ref, shallowRef, type Ref } from 'vue'

import { currentAccount } from './lib/account'
import type { Failure } from './lib/api'
import { clockIsWrong, today as dayBy, type Clock } from './lib/days'
import { flush, type Sender } from './lib/outbox'
import type { Household, Packet, Village } from './lib/packet'
import { askToPersist } from './lib/storage'
import { Store, keep, type Account, type Confirmation, type Instance, type KeptForm, type Setting, type Settings } from './lib/store'
import { sync } from './lib/sync'

/** undefined: not looked up yet; null: nobody. */
export const account = shallowRef<Account | null | undefined>(undefined)
export const store = shallowRef<Store | null>(null)
export const broken = ref('')

export const households = shallowRef<Household[]>([])
export const forms = shallowRef<KeptForm[]>([])
export const instances = shallowRef<Instance[]>([])
export const confirmations = shallowRef<Confirmation[]>([])
const settings = shallowRef<Partial<Settings>>({})
export const loaded = ref(false)

export const villages = computed<Village[]>(() => settings.value.villages ?? [])
export const parameters = computed(() => settings.value.parameters ?? {})
export const revoked = computed(() => settings.value.revoked ?? '')
export const syncedAt = computed(() => settings.value.syncedAt ?? 0)
export const missing = computed(() => settings.value.missing ?? [])
export const leftOut = computed(() => settings.value.leftOut ?? 0)
export const clock = computed<Clock | undefined>(() => settings.value.clock)
export const clockWrong = computed(() => clockIsWrong(clock.value))

const minute = ref(Date.now())
setInterval(() => { minute.value = Date.now() }, 60_000)
export const today = computed(() => dayBy(clock.value, minute.value))

export const online = ref(navigator.onLine)
export const busy = ref(false)
export const trouble = shallowRef<Failure | null>(null)

export const waiting = computed(() => instances.value.filter((row) => row.state === 'queued').length
  + confirmations.value.filter((row) => row.state === 'waiting').length)
export const returned = computed(() => instances.value.filter((row) => row.state === 'rejected').length
  + confirmations.value.filter((row) => row.state === 'rejected').length)
export const drafts = computed(() => instances.value.filter((row) => row.state === 'draft').length)

let subscriptions: { unsubscribe(): void }[] = []

function follow<T>(read: () => Promise<T>, target: Ref<T>, done?: () => void): void {
  subscriptions.push(liveQuery(read).subscribe({
    next: (value) => {
      target.value = value
      done?.()
    },
    error: (error) => { broken.value = String((error as Error)?.message ?? error) },
  }))
}

const windows = new BroadcastChannel('huqing-field')
windows.onmessage = () => void open()

/** Tell the other windows that the account has changed or gone. */
export function tellOthers(): void {
  windows.postMessage('account')
}

/** Let go of the account's database. */
export function close(): void {
  for (const each of subscriptions) each.unsubscribe()
  subscriptions = []
  store.value?.close()
}

/** Open the current account's database and follow it; nobody's when there is none. */
export async function open(): Promise<void> {
  close()
  loaded.value = false
  households.value = []
  forms.value = []
  instances.value = []
  confirmations.value = []
  settings.value = {}
  trouble.value = null
  const current = await currentAccount()
  if (!current) {
    store.value = null
    account.value = null
    return
  }
  const opened = new Store(current.id)
  await opened.open()
  store.value = opened
  await new Promise<void>((ready) => {
    let left = 5
    const one = () => { if (--left === 0) ready() }
    follow(() => opened.households.toArray(), households, one)
    follow(() => opened.forms.toArray(), forms, one)
    // The XML and lists of records are many bytes that no list of records shows.
    follow(() => opened.instances.toArray(), instances, one)
    follow(() => opened.confirmations.toArray(), confirmations, one)
    follow(async () => Object.fromEntries((await opened.settings.toArray()).map((row: Setting) => [row.key, row.value])) as Partial<Settings>, settings, one)
  })
  account.value = current
  loaded.value = true
  void askToPersist().then((persisted) => keep(opened, 'persisted', persisted)).catch(() => undefined)
}

function sender(): Sender | null {
  return store.value && account.value?.token ? { store: store.value, token: account.value.token } : null
}

let timer: ReturnType<typeof setTimeout> | undefined
/** What was asked for while something else was under way: it is done when that has ended. */
let asked: 'nothing' | 'send' | 'sync' = 'nothing'

/**
 * Bring everything up to date; asked for by the user, at the start, when the network comes back and every half hour.
 * `arrived`: the packet a link has just brought.
 */
export async function syncNow(arrived: Packet | null = null): Promise<void> {
  await run('sync', (who) => sync(who, arrived))
}

/** Send what waits and is due. */
export async function sendNow(now = false): Promise<void> {
  await run('send', async (who) => {
    const outcome = await flush(who, now)
    if (outcome.trouble) throw outcome.trouble
  })
}

/** Whether the account that something was begun for is still the one on the screen: of another nothing is said. */
function isCurrent(who: Sender): boolean {
  return who.store === store.value && who.store.isOpen()
}

async function run(what: 'send' | 'sync', work: (who: Sender) => Promise<void>): Promise<void> {
  const who = sender()
  if (!who) return
  if (busy.value) {
    if (asked !== 'sync') asked = what
    return
  }
  busy.value = true
  clearTimeout(timer)
  try {
    await work(who)
    if (isCurrent(who)) trouble.value = null
  } catch (error) {
    if (isCurrent(who)) {
      trouble.value = (error as Failure).kind ? (error as Failure) : null
      if (!trouble.value) console.error(error)
    }
  }
  busy.value = false
  const more = asked
  asked = 'nothing'
  if (more !== 'nothing') timer = setTimeout(() => void (more === 'sync' ? syncNow() : sendNow()), 0)
  else if (isCurrent(who)) await plan(who).catch((error: unknown) => { if (isCurrent(who)) console.error(error) })
}

/** Come again when the next thing is due. */
async function plan(who: Sender): Promise<void> {
  if (revoked.value) return
  const rows = await who.store.instances.where({ state: 'queued' }).toArray()
  const said = await who.store.confirmations.where({ state: 'waiting' }).toArray()
  const moments = [...rows.map((row) => row.nextAt), ...said.map((row) => Math.max(row.nextAt, row.saidAt + 8_500))]
  if (!moments.length) return
  const pause = Math.min(Math.max(Math.min(...moments) - Date.now(), 1_000), 300_000)
  timer = setTimeout(() => void sendNow(), pause)
}

const STALE = 30 * 60_000

export function watchTheWorld(): void {
  window.addEventListener('online', () => {
    online.value = true
    void syncNow()
  })
  window.addEventListener('offline', () => { online.value = false })
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState !== 'visible') return
    minute.value = Date.now()
    if (Math.abs(Date.now() - syncedAt.value) > STALE) void syncNow()
    else if (waiting.value) void sendNow()
  })
  setInterval(() => {
    if (document.visibilityState === 'visible' && Math.abs(Date.now() - syncedAt.value) > STALE) void syncNow()
  }, 5 * 60_000)
}
