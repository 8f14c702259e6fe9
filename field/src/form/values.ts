/** What a person types becomes what the engine takes, or a sentence that says what to write instead. The engine turns what it does not understand into a blank without a word, so nothing reaches it that has not been through here. */

export type Read = { value: string } | { problem: string }

const INT_MAX = 2147483647

/** Chinese keyboards write full-width digits, and 。 where the point should be. */
function plain(raw: string): string {
  const half = raw.replace(/[０-９．－＋]/g, (sign) => String.fromCharCode(sign.charCodeAt(0) - 0xfee0))
  const text = half.trim().replace(/[。]/g, '.').replace(/[—–]/g, '-')
  return /^[+-]?\d{1,3}([,，]\d{3})+(\.\d+)?$/.test(text) ? text.replace(/[,，]/g, '') : text
}

function quoted(raw: string): string {
  return `「${raw.trim().slice(0, 20)}」`
}

export function readInteger(raw: string): Read {
  const text = plain(raw)
  if (!text) return { value: '' }
  if (/^[+-]?\d+\.\d+$/.test(text)) return { problem: `这里只能写整数，不能有小数。现在写的是${quoted(raw)}。` }
  if (!/^[+-]?\d+$/.test(text)) return { problem: `这里要写整数，比如 12。现在写的是${quoted(raw)}。` }
  if (Math.abs(Number(text)) > INT_MAX) return { problem: '这个数太大了，请检查。' }
  return { value: String(Number(text)) }
}

export function readDecimal(raw: string): Read {
  const text = plain(raw)
  if (!text) return { value: '' }
  if (!/^[+-]?(\d+(\.\d*)?|\.\d+)$/.test(text)) return { problem: `这里要写数字，比如 12.5。现在写的是${quoted(raw)}。` }
  if (Math.abs(Number(text)) >= 1e15) return { problem: '这个数太大了，请检查。' }
  return { value: String(Number(text)) }
}

/** "80.0", as the engine writes a decimal, is shown as the person wrote it. */
export function shownNumber(value: string): string {
  return /^-?\d+\.\d+$/.test(value) ? value.replace(/\.?0+$/, '') : value
}

const two = (number: number): string => String(Math.trunc(number)).padStart(2, '0')

function offset(at: Date): string {
  const minutes = -at.getTimezoneOffset()
  return `${minutes < 0 ? '-' : '+'}${two(Math.abs(minutes) / 60)}:${two(Math.abs(minutes) % 60)}`
}

function localDay(at: Date): string {
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`
}

export function today(): string {
  return localDay(new Date())
}

export type Moment = 'date' | 'time' | 'dateTime' | 'month' | 'year'

/** From the value of the browser's own input to the full form with the phone's offset that Collect writes, too. */
export function readMoment(kind: Moment, raw: string): Read {
  if (!raw) return { value: '' }
  if (kind === 'year' || kind === 'month' || kind === 'date') {
    const [, year, month = '01', day = '01'] = /^(\d{4,})(?:-(\d\d))?(?:-(\d\d))?$/.exec(raw.trim()) ?? []
    const written = `${year}-${month}-${day}`
    const at = new Date(`${written}T12:00:00`)
    if (!year || Number.isNaN(at.getTime()) || localDay(at) !== written) {
      const example = { year: '2026', month: '2026-06', date: '2026-06-30' }[kind]
      return { problem: `日期不对，请照这样写：${example}。` }
    }
    if (Number(year) < 1900 || Number(year) > 2100) return { problem: `年份不对：${year}。请写 1900 到 2100 年。` }
    return { value: written }
  }
  if (kind === 'time') {
    if (!/^([01]\d|2[0-3]):[0-5]\d/.test(raw)) return { problem: '时间不对，请照这样写：08:30。' }
    return { value: `${raw.slice(0, 5)}:00.000${offset(new Date())}` }
  }
  const at = new Date(raw)
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d/.test(raw) || Number.isNaN(at.getTime())) return { problem: '日期和时间不对，请重新选。' }
  return { value: `${raw.slice(0, 16)}:00.000${offset(at)}` }
}

/** The other way: a stored value as the browser's own input shows it. */
export function shownMoment(kind: Moment, value: string): string {
  if (!value) return ''
  if (kind === 'year') return value.slice(0, 4)
  if (kind === 'month') return value.slice(0, 7)
  if (kind === 'date') return value.slice(0, 10)
  if (kind === 'time') return value.slice(0, 5)
  const at = new Date(value)
  if (Number.isNaN(at.getTime())) return ''
  return `${localDay(at)}T${two(at.getHours())}:${two(at.getMinutes())}`
}

const WEEKDAYS = '日一二三四五六'

/** In words, so that a phone set to another language shows a Chinese date, too. */
export function momentInWords(kind: Moment, value: string): string {
  const shown = shownMoment(kind, value)
  if (!shown) return ''
  if (kind === 'time') return shown
  const [year, month, day] = shown.slice(0, 10).split('-').map(Number)
  if (kind === 'year') return `${year}年`
  if (kind === 'month') return `${year}年${month}月`
  const weekday = WEEKDAYS[new Date(year!, month! - 1, day).getDay()]
  return `${year}年${month}月${day}日 星期${weekday}${kind === 'dateTime' ? ` ${shown.slice(11)}` : ''}`
}
