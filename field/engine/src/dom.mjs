// The few things the engine asks of a browser's document, over a small XML document in Node.
//
// The engine evaluates XPath itself; of a document it wants parsing, walking, a handful of selectors and attributes.
// A selector that is not known here is an error: an update of the engine must not be checked with half a document.
import { DOMImplementation, DOMParser as Parser, XMLSerializer } from '@xmldom/xmldom'

const ELEMENT = 1
const DOCUMENT = 9
const serializer = new XMLSerializer()

const isElement = (node) => node.nodeType === ELEMENT
const named = (name) => (node) => node.localName === name
const SELECTORS = {
  hint: named('hint'),
  item: named('item'),
  label: named('label'),
  value: named('value'),
  submission: named('submission'),
  repeat: named('repeat'),
  child1: named('child1'),
  child2: named('child2'),
  'itemset[nodeset]': (node) => node.localName === 'itemset' && node.hasAttribute('nodeset'),
  'label[form-definition-source="repeat-group"]': (node) => node.localName === 'label' && node.getAttribute('form-definition-source') === 'repeat-group',
  'itemset[ref], repeat[ref], *[nodeset]:not(itemset, repeat)': (node) =>
    node.hasAttribute(['itemset', 'repeat'].includes(node.localName) ? 'ref' : 'nodeset'),
}
const SCOPE = ':scope > '

function fits(selector) {
  const found = SELECTORS[selector]
  if (!found) throw new Error(`selector not provided for: ${selector}`)
  return found
}

function descendants(node) {
  return Array.from(node.children).flatMap((child) => [child, ...descendants(child)])
}

function select(node, selector) {
  if (selector.startsWith(SCOPE)) return Array.from(node.children).filter(fits(selector.slice(SCOPE.length)))
  return descendants(node).filter(fits(selector))
}

function parse(xml) {
  const problems = []
  const parser = new Parser({ locator: false, onError: (level, message) => level !== 'warning' && problems.push(message) })
  const made = parser.parseFromString(xml, 'text/xml')
  if (problems.length) throw new Error(problems[0])
  return made
}

function define(prototype, properties) {
  for (const [name, value] of Object.entries(properties)) {
    if (Object.getOwnPropertyDescriptor(prototype, name)?.configurable !== false) Object.defineProperty(prototype, name, { configurable: true, ...value })
  }
}

const sample = new DOMImplementation().createDocument(null, 'x')
const Element = Object.getPrototypeOf(sample.documentElement)
const Document = Object.getPrototypeOf(sample)
const asNode = (document, value) => (typeof value === 'string' ? document.createTextNode(value) : value)

const walking = {
  firstElementChild: { get() { return this.children[0] ?? null } },
  childElementCount: { get() { return this.children.length } },
  querySelectorAll: { value(selector) { return select(this, selector) } },
  querySelector: { value(selector) { return select(this, selector)[0] ?? null } },
  append: { value(...nodes) { for (const node of nodes) this.appendChild(asNode(this.ownerDocument ?? this, node)) } },
}
define(Document, walking)
define(Element, {
  ...walking,
  matches: { value(selector) { return fits(selector)(this) } },
  parentElement: { get() { return this.parentNode && isElement(this.parentNode) ? this.parentNode : null } },
  prepend: { value(node) { this.insertBefore(node, this.firstChild) } },
  remove: { value() { this.parentNode?.removeChild(this) } },
  replaceWith: { value(node) { this.parentNode.replaceChild(node, this) } },
  outerHTML: { get() { return serializer.serializeToString(this) } },
  innerHTML: {
    get() { return Array.from(this.childNodes).map((node) => serializer.serializeToString(node)).join('') },
    set(xml) {
      while (this.firstChild) this.removeChild(this.firstChild)
      const scope = this.namespaceURI ? ` xmlns="${this.namespaceURI}"` : ''
      for (const node of Array.from(parse(`<x${scope}>${xml}</x>`).documentElement.childNodes)) this.appendChild(this.ownerDocument.importNode(node, true))
    },
  },
})
// xmldom lists attributes in an array-like of its own; the engine iterates over it.
const Attributes = Object.getPrototypeOf(sample.documentElement.attributes)
if (!Attributes[Symbol.iterator]) define(Attributes, { [Symbol.iterator]: { value: Array.prototype[Symbol.iterator] } })

class Node {
  static ELEMENT_NODE = ELEMENT
  static ATTRIBUTE_NODE = 2
  static TEXT_NODE = 3
  static CDATA_SECTION_NODE = 4
  static PROCESSING_INSTRUCTION_NODE = 7
  static COMMENT_NODE = 8
  static DOCUMENT_NODE = DOCUMENT
  static DOCUMENT_FRAGMENT_NODE = 11
  static DOCUMENT_POSITION_DISCONNECTED = 1
  static DOCUMENT_POSITION_PRECEDING = 2
  static DOCUMENT_POSITION_FOLLOWING = 4
  static DOCUMENT_POSITION_CONTAINS = 8
  static DOCUMENT_POSITION_CONTAINED_BY = 16
  static [Symbol.hasInstance](value) {
    return typeof value?.nodeType === 'number' && 'childNodes' in value
  }
}

class DOMParser {
  parseFromString(xml) {
    return parse(xml)
  }
}

Object.assign(globalThis, { Node, DOMParser, document: sample })
// The engine's parser of expressions is WebAssembly in the bundle; it only wants to know that it stands nowhere.
globalThis.__dirname = '.'
