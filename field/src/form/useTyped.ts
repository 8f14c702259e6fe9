/** A text field whose words stay as typed until the person leaves it, while what can be read of them already is the answer. */
import type { AnyNode } from '@getodk/xforms-engine'
import { onBeforeUnmount, ref, watch, type Ref } from 'vue'

import { useFilling } from './filling.ts'
import type { Control } from './tree.ts'
import type { Read } from './values.ts'

const SETTLE = 200

interface Typed {
  /** Back to the answer as it was. */
  undo(): void
  raw: Ref<string>
  input(): void
  leave(): void
}

export function useTyped(node: Control & { setValue(value: never): unknown }, read: (raw: string) => Read, shown: (value: string) => string): Typed {
  const filling = useFilling()
  const raw = ref(shown(node.currentState.instanceValue))
  let timer: ReturnType<typeof setTimeout> | undefined
  let last = node.currentState.instanceValue

  function take(final: boolean): void {
    clearTimeout(timer)
    timer = undefined
    filling.typing.delete(node.nodeId)
    const result = read(raw.value)
    if ('problem' in result) {
      if (!final) return
      filling.unreadable.set(node.nodeId, result.problem)
      set('')
      return
    }
    filling.unreadable.delete(node.nodeId)
    set(result.value)
    if (final) raw.value = shown(last)
  }

  function set(value: string): void {
    if (value === last) return
    last = value
    if (filling.answer(node, () => (node as unknown as { setValue(value: string | null): AnyNode }).setValue(value === '' ? null : value))) last = node.currentState.instanceValue
  }

  // The form itself may write here: a default that follows another answer.
  watch(
    () => node.currentState.instanceValue,
    (value) => {
      if (value === last) return
      last = value
      raw.value = shown(value)
      filling.unreadable.delete(node.nodeId)
    },
  )

  const forget = filling.beforeSaving(() => {
    if (timer !== undefined) take(false)
  })
  onBeforeUnmount(() => {
    if (timer !== undefined) take(true)
    forget()
    filling.unreadable.delete(node.nodeId)
  })

  return {
    raw,
    input() {
      clearTimeout(timer)
      filling.typing.add(node.nodeId)
      timer = setTimeout(() => take(false), SETTLE)
    },
    leave: () => take(true),
    undo() {
      raw.value = shown(last)
    },
  }
}
