/**
 * Days as the server counts them. A phone's clock may be wrong by years, so "today" is the server's day of the last
 * sync moved on by the days the phone has counted since, and never goes back behind it.
 */

const DAY = 24 * 3600 * 1000
const ZONE = 8 * 3600 * 1000

export interface Clock {
  /** The server's day when last heard, YYYY-MM-DD. */
  day: string
  /** The phone's own day number at that moment. */
  phone: number
  /** Server time less phone time in milliseconds at that moment. */
  off: number
}

function number(day: string): number {
  return Math.floor(Date.parse(`${day}T00:00:00Z`) / DAY)
}

function text(day: number): string {
  return new Date(day * DAY).toISOString().slice(0, 10)
}

/** The phone's own day in China, as a number of days. */
export function phoneDay(now: number = Date.now()): number {
  return Math.floor((now + ZONE) / DAY)
}

/** What is remembered when the server has told its day and, in the Date header, its time. */
export function heard(day: string, date: string | null, now: number = Date.now()): Clock {
  const told = date ? Date.parse(date) : Number.NaN
  return { day, phone: phoneDay(now), off: Number.isNaN(told) ? 0 : told - now }
}

/** The server's day now, as far as the phone can know. */
export function today(clock: Clock | undefined, now: number = Date.now()): string {
  if (!clock) return text(phoneDay(now))
  return text(number(clock.day) + Math.max(0, phoneDay(now) - clock.phone))
}

/** Whole days from one day to another; negative when `to` is earlier. */
export function daysBetween(from: string, to: string): number {
  return number(to) - number(from)
}

/** Whether the phone's clock was more than ten minutes wrong. */
export function clockIsWrong(clock: Clock | undefined): boolean {
  return !!clock && Math.abs(clock.off) > 10 * 60 * 1000
}

/** `6月30日`, with the year when it is not this one. */
export function said(day: string | null | undefined, now: string): string {
  if (!day) return ''
  const [year, month, date] = day.split('-')
  const short = `${Number(month)}月${Number(date)}日`
  return now.startsWith(year!) ? short : `${year}年${short}`
}
