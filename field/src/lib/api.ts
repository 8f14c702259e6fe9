/** Requests to the product's own origin under the account's link, and what their answers mean. */

/** network: no answer of ours; revoked: the link is refused; refused: never as it is; busy: later. */
export type Trouble = 'network' | 'revoked' | 'refused' | 'busy'

export class Failure extends Error {
  readonly kind: Trouble
  readonly status: number
  /** Seconds the server asks to wait. */
  readonly wait: number

  constructor(kind: Trouble, message: string, status = 0, wait = 0) {
    super(message)
    this.kind = kind
    this.status = status
    this.wait = wait
  }
}

const NO_ANSWER = '连不上服务器，有网络后自动重试'
const WORDS: Record<number, string> = {
  400: '服务器没有读懂这份记录',
  404: '服务器上没有这张表或这个版本',
  409: '服务器上已有不同内容的同一份记录，或表单已停用',
  410: '服务器不再接收这份记录',
  413: '这份记录太大，服务器不收，请减少照片后再交',
  415: '附件的类型服务器不收',
  422: '服务器没有收下这份记录',
}

/** The words in an answer: OpenRosa's message or the JSON of our own endpoints; "" in a page of somebody else. */
export async function words(answer: Response): Promise<string> {
  const kind = answer.headers.get('Content-Type') ?? ''
  const body = await answer.text().catch(() => '')
  if (kind.includes('json')) {
    try {
      return String((JSON.parse(body) as { error?: string }).error ?? '')
    } catch {
      return ''
    }
  }
  if (!kind.includes('xml')) return ''
  return new DOMParser().parseFromString(body, 'text/xml').querySelector('message')?.textContent?.trim() ?? ''
}

/**
 * Send one request; resolves with an answer of 200–299, otherwise throws a Failure. A redirect or a web page is a
 * stranger's answer (a hotel's or a school's sign-in page), however kind its status.
 */
export async function ask(token: string, path: string, options: RequestInit & { patience?: number } = {}): Promise<Response> {
  const { patience = 180_000, ...init } = options
  const stop = new AbortController()
  const timer = setTimeout(() => stop.abort(), patience)
  let answer: Response
  try {
    answer = await fetch(`/key/${token}/${path}`, {
      ...init,
      credentials: 'omit',
      cache: 'no-store',
      redirect: 'manual',
      referrerPolicy: 'no-referrer',
      signal: stop.signal,
    })
    if (answer.ok) {
      if ((answer.headers.get('Content-Type') ?? '').includes('text/html')) throw new Failure('network', NO_ANSWER)
      return answer
    }
    throw await failure(answer)
  } catch (error) {
    throw error instanceof Failure ? error : new Failure('network', NO_ANSWER)
  } finally {
    clearTimeout(timer)
  }
}

async function failure(answer: Response): Promise<Failure> {
  const { status } = answer
  const said = await words(answer)
  if (status === 401 || status === 403) {
    return said ? new Failure('revoked', said, status) : new Failure('network', NO_ANSWER, status)
  }
  if (status === 0 || (status >= 300 && status < 400)) return new Failure('network', NO_ANSWER, status)
  const wait = Number(answer.headers.get('Retry-After')) || 0
  if (status >= 500) return new Failure('busy', said || '服务器暂时出错，稍后自动重试', status, wait)
  if ([408, 425, 429].includes(status)) return new Failure('busy', said || '服务器正忙，稍后自动重试', status, wait)
  return new Failure('refused', said || WORDS[status] || `服务器没有收下（${status}）`, status)
}

/** JSON of one of our own endpoints. */
export async function askJson(token: string, path: string, body?: unknown): Promise<{ told: unknown; date: string | null }> {
  const init: RequestInit = body === undefined
    ? {}
    : { method: 'POST', body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } }
  const answer = await ask(token, path, init)
  try {
    return { told: await answer.json(), date: answer.headers.get('Date') }
  } catch {
    throw new Failure('network', NO_ANSWER)
  }
}

/** Bytes of a form or of one of its files. */
export async function askBytes(token: string, path: string): Promise<{ bytes: Uint8Array<ArrayBuffer>; type: string }> {
  const answer = await ask(token, path)
  try {
    return { bytes: new Uint8Array(await answer.arrayBuffer()), type: answer.headers.get('Content-Type') ?? '' }
  } catch {
    throw new Failure('network', NO_ANSWER)
  }
}
