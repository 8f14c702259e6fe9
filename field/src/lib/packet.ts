/** The packet as the server writes it (huqing.visits.packet) and what of it is kept on the phone. */

export interface Need {
  subject: string
  key: string
  words: boolean
}

export interface MediaEntry {
  name: string
  md5: string
  url: string
}

export interface FormEntry {
  pk: number
  form_id: string
  version: string
  title: string
  md5: string
  xml: string
  lists: string[]
  media: MediaEntry[]
  needs: Need[]
  subjects: Record<string, string>
  members: string
  member: string
  method: string
  visit: string
  kind: string
  /** Only for the tasks that name it, never for other households. */
  given?: boolean
}

export interface Task {
  id: number
  title: string
  /** The id of the form to fill in; "" when the visit has none. */
  form: string
  visit: string
  person: number | null
  /** Days, "" when there is none. */
  opens: string
  due: string
  last: string
  group: string
  unchanged: boolean
}

export interface Member {
  id: number
  name: string
  relation: string
  age: number | null
  notes: string[]
}

export interface Household {
  id: number
  number: string
  head: string
  address: string
  group: string
  /** The id of its village. */
  village: number
  grid: string
  labels: string[]
  facts: [string, string, string][]
  members: Member[]
  alerts: { title: string; resolve: string; since: string }[]
  visits: { on: string; kind: string; title: string; by: string; state: string; reason: string }[]
  tasks: Task[]
  read: { household: Record<string, string>; person: Record<string, Record<string, string>> }
  /** Not in this person's care: gone to once, by name, and told of no more than that takes. */
  given?: boolean
}

export interface Village {
  id: number
  title: string
  read: Record<string, string>
  tasks?: Task[]
  /** Only a household gone to once lies there. */
  given?: boolean
}

export interface Packet {
  cursor: string
  full: boolean
  day: string
  user: { id?: number; name: string; unit: string }
  forms: FormEntry[]
  households: Household[]
  villages: Village[]
  parameters: Record<string, string>
  gone: number[]
  left_out?: number
}

/** Throws unless an answer has what the app cannot do without: another server's page must never be taken for it. */
export function asPacket(told: unknown): Packet {
  const packet = told as Packet
  const lists = packet && [packet.forms, packet.households, packet.villages, packet.gone]
  if (!lists || !lists.every(Array.isArray) || typeof packet.cursor !== 'string' || !packet.user) {
    throw new TypeError('not a packet')
  }
  return packet
}
