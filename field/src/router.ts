/** Addresses inside the app: `#/household/12`. A bare `#<token>` is a link that signs in. */
import { shallowRef } from 'vue'

export interface Place {
  page: string
  key: string
  query: URLSearchParams
}

function parse(hash: string): Place {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?')
  const [page = '', key = ''] = path.split('/')
  return { page: page || 'households', key: decodeURIComponent(key), query: new URLSearchParams(query) }
}

export const place = shallowRef(parse(location.hash.startsWith('#/') ? location.hash : ''))

/** How many pages of ours lie behind this one: "back" must not leave the app. */
function depth(): number {
  return (history.state as { depth?: number } | null)?.depth ?? 0
}

export function address(page: string, key = '', query: Record<string, string | number | null> = {}): string {
  const asked = Object.entries(query).filter(([, value]) => value !== null && value !== '')
  const tail = asked.length ? `?${new URLSearchParams(asked.map(([name, value]) => [name, String(value)]))}` : ''
  return `#/${page}${key ? `/${encodeURIComponent(key)}` : ''}${tail}`
}

export function go(target: string): void {
  history.pushState({ depth: depth() + 1 }, '', target)
  place.value = parse(target)
  window.scrollTo(0, 0)
}

/** Go there without a way back to here. */
export function swap(target: string): void {
  history.replaceState({ depth: depth() }, '', target)
  place.value = parse(target)
}

export function back(otherwise = '#/'): void {
  if (depth() > 0) history.back()
  else swap(otherwise)
}

/** Take the link out of the address, so that it is neither shown nor shared; returns what stood there. */
export function takeLink(): string {
  const said = location.hash.slice(1)
  if (!said || said.startsWith('/')) return ''
  history.replaceState({ depth: 0 }, '', '#/')
  return said
}

window.addEventListener('popstate', () => {
  place.value = parse(location.hash)
})
