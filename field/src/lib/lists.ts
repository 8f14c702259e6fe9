/**
 * The lists a form reads (household.csv, person.csv, village.csv, parameter.csv), made for the one it is about. Titles
 * read as in the lists that the server makes for other clients (huqing.visits.lists).
 */
import type { FormEntry, Household, Village } from './packet'

function cell(value: string): string {
  return /[",\r\n]/.test(value) ? `"${value.replace(/"/g, '""')}"` : value
}

function csv(rows: string[][]): string {
  return rows.map((row) => row.map(cell).join(',')).join('\n') + '\n'
}

function columns(form: FormEntry, subject: string): string[] {
  const names = form.needs.filter((need) => need.subject === subject).map((need) => (need.words ? `${need.key}_words` : need.key))
  return [...new Set(names)]
}

function householdTitle(household: Household, villages: Village[]): string {
  const village = villages.find((each) => each.id === household.village)?.title ?? ''
  return [household.head, village + household.group, household.number].filter(Boolean).join(' ')
}

export interface About {
  households: Household[]
  /** One member, when the visit is about one. */
  person: number | null
  villages: Village[]
  parameters: Record<string, string>
}

/** The text of every product list the form names. */
export function listsFor(form: FormEntry, about: About): Record<string, string> {
  const made: Record<string, () => string[][]> = {
    'household.csv': () => {
      const names = columns(form, 'household')
      const rows = about.households.map((each) => [
        String(each.id), householdTitle(each, about.villages), ...names.map((name) => each.read.household[name] ?? ''),
      ])
      return [['id', 'title', ...names], ...rows]
    },
    'person.csv': () => {
      const names = columns(form, 'person')
      const rows = about.households.flatMap((each) =>
        each.members
          .filter((member) => about.person === null || member.id === about.person)
          .map((member) => [
            String(member.id), member.relation ? `${member.name}（${member.relation}）` : member.name, String(each.id),
            ...names.map((name) => each.read.person[String(member.id)]?.[name] ?? ''),
          ]),
      )
      return [['id', 'title', 'household', ...names], ...rows]
    },
    'village.csv': () => {
      const names = columns(form, 'village')
      const rows = about.villages.map((each) => [String(each.id), each.title, ...names.map((name) => each.read[name] ?? '')])
      return [['id', 'title', ...names], ...rows]
    },
    'parameter.csv': () => {
      const names = columns(form, 'parameter')
      return [['id', ...names], ['1', ...names.map((name) => about.parameters[name] ?? '')]]
    },
  }
  return Object.fromEntries(form.lists.filter((name) => made[name]).map((name) => [name, csv(made[name]!())]))
}
