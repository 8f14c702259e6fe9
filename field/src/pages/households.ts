/** How the list of households was left: coming back to it must not start over. */
import { reactive } from 'vue'

export const view = reactive({ words: '', only: 'all' as 'all' | 'due' | 'late', shown: 0, at: 0 })

export function forgetView(): void {
  Object.assign(view, { words: '', only: 'all', shown: 0, at: 0 })
}
