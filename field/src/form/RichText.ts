/** A label as its author formatted it. Markup the author wrote himself is shown as the words in it: a form is data, not a page. */
import type { MarkdownNode } from '@getodk/xforms-engine'
import { defineComponent, h, type VNodeChild } from 'vue'

const ELEMENTS = new Set(['div', 'em', 'li', 'ol', 'p', 'span', 'strong', 'u', 'ul'])

function drawn(nodes: readonly MarkdownNode[]): VNodeChild[] {
  return nodes.map((node) => {
    if (node.role === 'child') return node.value
    if (node.role === 'line-break') return h('br')
    if (node.role === 'html') return new DOMParser().parseFromString(node.unsafeHtml, 'text/html').body.textContent ?? ''
    if (/^h[1-6]$/.test(node.elementName)) return h('strong', { class: 'line' }, drawn(node.children))
    return h(ELEMENTS.has(node.elementName) ? node.elementName : 'span', drawn(node.children))
  })
}

export default defineComponent(
  (props: { text: { formatted: MarkdownNode[]; asString: string } | null }) => () => {
    const text = props.text
    if (!text) return null
    const nodes = drawn(text.formatted)
    return nodes.length ? nodes : text.asString
  },
  { props: ['text'] },
)
