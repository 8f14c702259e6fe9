/** When to try again: after 5 s, doubling up to 5 minutes, a little at random so that phones do not come all at once. */

const FIRST = 5_000
const MOST = 300_000

/** The moment of the next attempt; `wait` is what the server asked for, in seconds. */
export function nextAttempt(attempts: number, wait = 0, now: number = Date.now()): number {
  const pause = Math.min(MOST, FIRST * 2 ** Math.max(0, attempts - 1))
  return now + Math.max(wait * 1000, pause * (0.8 + 0.4 * Math.random()))
}

/** Whether the moment has come. One farther away than the longest pause means that the phone's clock was put back. */
export function isDue(at: number, now: number = Date.now()): boolean {
  return at <= now || at - now > 2 * MOST
}
