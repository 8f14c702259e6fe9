/** New versions of the app: fetched in the background, taken only when no form is open in any window. */
import { ref } from 'vue'

import { OPEN } from './lib/instances'

/** A new version is here and waits. */
export const offered = ref(false)
export const version = ref('')

let registration: ServiceWorkerRegistration | undefined
let asked = false

export async function startWorker(): Promise<void> {
  if (!navigator.serviceWorker) return
  const hadOne = !!navigator.serviceWorker.controller
  navigator.serviceWorker.addEventListener('controllerchange', () => {
    // The very first worker changes nothing; a later one brings other files, which an old page cannot load.
    if (hadOne || asked) void formIsOpen().then((open) => { if (!open) location.reload() })
  })
  try {
    registration = await navigator.serviceWorker.register('/field/sw.js', { scope: '/field/' })
  } catch {
    return
  }
  const look = () => { offered.value = !!registration?.waiting && !!navigator.serviceWorker.controller }
  const follow = () => registration?.installing?.addEventListener('statechange', look)
  look()
  follow()
  registration.addEventListener('updatefound', follow)
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') void registration?.update().catch(() => undefined)
  })
  void navigator.serviceWorker.ready.then(readVersion)
}

async function readVersion(): Promise<void> {
  const name = (await caches.keys()).filter((each) => each.startsWith('huqing-field-')).pop() ?? ''
  version.value = name.replace('huqing-field-', '')
}

/** Whether any window of this browser has a form open. */
export async function formIsOpen(): Promise<boolean> {
  const { held = [] } = await navigator.locks.query()
  return held.some((lock) => lock.name?.startsWith(OPEN))
}

/** Take the new version; false when a form is open somewhere and must be closed first. */
export async function takeUpdate(): Promise<boolean> {
  if (await formIsOpen()) return false
  asked = true
  registration?.waiting?.postMessage('take-over')
  return true
}

export async function lookForUpdate(): Promise<void> {
  await registration?.update().catch(() => undefined)
}
