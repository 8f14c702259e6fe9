/** Whose phone this is now: opening a link, changing to another account, wiping. */
import { askJson } from './api'
import { unsent } from './instances'
import { readable, takeIn } from './sync'
import type { Packet } from './packet'
import { Store, accounts, type Account } from './store'

/** 64 characters that are safe in an address. */
const TOKEN = /^[\w-]{64}$/

/** The link in whatever was pasted or scanned: an address of this product's app, or the bare key. */
export function tokenIn(text: string, origin: string = location.origin): { token: string } | { wrong: string } {
  const said = text.trim()
  if (TOKEN.test(said)) return { token: said }
  let address: URL
  try {
    address = new URL(said)
  } catch {
    return { wrong: '这不是手机链接。请在电脑上登录户情，打开“我的手机”，复制或扫描那里的链接。' }
  }
  const token = address.hash.slice(1) || address.pathname.split('/').find((part) => TOKEN.test(part)) || ''
  if (!TOKEN.test(token)) return { wrong: '链接不完整，请重新复制，从 https 开头一直到最后一个字符。' }
  if (address.origin !== origin) return { wrong: `这是另一个地址（${address.host}）的链接，请在那个地址打开。` }
  return { token }
}

export async function currentAccount(): Promise<Account | undefined> {
  return (await accounts.accounts.toArray()).find((account) => account.current === 1)
}

/** Accounts whose unsent records still lie on this phone, with their number; the current one is not among them. */
export async function others(): Promise<{ account: Account; unsent: number }[]> {
  const rows = (await accounts.accounts.toArray()).filter((account) => !account.current)
  return Promise.all(rows.map(async (account) => {
    const store = new Store(account.id)
    const count = await unsent(store)
    store.close()
    return { account, unsent: count }
  }))
}

export interface Arrival {
  account: Account
  packet: Packet
  date: string | null
  /** The account whose place it would take, if it is somebody else's. */
  before: { account: Account; unsent: number } | null
}

/** Ask the server whose link this is. Nothing is changed yet. Throws a Failure. */
export async function knock(token: string): Promise<Arrival> {
  const { told, date } = await askJson(token, 'packet?since=')
  const packet = readable(told)
  const { user } = packet
  const id = `huqing-field-${user.id ?? `${user.name}-${user.unit}`}`
  const current = await currentAccount()
  const before = current && current.id !== id ? { account: current, unsent: await unsentOf(current) } : null
  return { account: { id, name: user.name, unit: user.unit, token, current: 1 }, packet, date, before }
}

async function unsentOf(account: Account): Promise<number> {
  const store = new Store(account.id)
  const count = await unsent(store)
  store.close()
  return count
}

/**
 * Make the account the phone's. Of the one before it only unsent records are kept (with the forms they need), until
 * its own link is opened again; nothing else of its households stays.
 */
export async function enter(arrival: Arrival): Promise<void> {
  const { account, packet, date, before } = arrival
  if (before) await leave(before.account, before.unsent)
  const store = new Store(account.id)
  // A new link of the same account takes over what the old one left.
  await takeIn(store, { ...packet, full: true }, date)
  await store.settings.delete('revoked')
  await store.instances.where({ state: 'queued' }).modify({ nextAt: 0 })
  store.close()
  await accounts.transaction('rw', accounts.accounts, async () => {
    await accounts.accounts.toCollection().modify({ current: 0 })
    await accounts.accounts.put(account)
  })
}

async function leave(account: Account, waiting: number): Promise<void> {
  if (!waiting) return forget(account)
  const store = new Store(account.id)
  await store.transaction('rw', store.tables, async () => {
    await store.households.clear()
    await store.settings.clear()
    const sent = await store.instances.where({ state: 'sent' }).primaryKeys()
    await store.files.where('instanceId').anyOf(sent).delete()
    await store.instances.bulkDelete(sent)
  })
  store.close()
  await accounts.accounts.update(account.id, { token: '', current: 0 })
}

/** Remove an account and everything of it from this phone. */
export async function forget(account: Account): Promise<void> {
  const store = new Store(account.id)
  await store.delete()
  await accounts.accounts.delete(account.id)
}
