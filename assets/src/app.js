// Behaviour every page shares. Pages work without it except for edits in place and dialogs.
import htmx from 'htmx.org'

// Going back reloads the page: files change under the user, and a restored copy of a page could show what was masked since.
htmx.config.history = 'reload'

const $ = (selector, root = document) => root.querySelector(selector)

// --- navigation drawer -----------------------------------------------------------------------------------------------
function setDrawer(open) {
  document.documentElement.classList.toggle('drawer-open', open)
  for (const button of document.querySelectorAll('[data-drawer]')) button.setAttribute('aria-expanded', String(open))
  if (open) $('#nav a')?.focus()
  else if (document.activeElement?.closest('#nav')) $('[data-drawer]')?.focus()
}

// --- dialogs ---------------------------------------------------------------------------------------------------------
let asking = null

function ask(text, label, danger) {
  const dialog = $('#confirm')
  $('[data-confirm-text]', dialog).textContent = text
  const yes = $('[data-confirm-yes]', dialog)
  yes.textContent = label || '确定'
  yes.className = danger ? 'btn btn-danger' : 'btn btn-primary'
  dialog.returnValue = ''
  dialog.showModal()
  return new Promise((resolve) => {
    asking = resolve
  })
}

function answer() {
  const yes = $('#confirm').returnValue === 'yes'
  asking?.(yes)
  asking = null
}

// --- events ----------------------------------------------------------------------------------------------------------
document.addEventListener('click', (event) => {
  const target = event.target
  if (!(target instanceof Element)) return
  if (target.closest('[data-drawer]')) setDrawer(!document.documentElement.classList.contains('drawer-open'))
  else if (target.closest('[data-drawer-close]')) setDrawer(false)
  if (target.closest('[data-print]')) window.print()
  const closer = target.closest('[data-dialog-close]')
  if (closer) closer.closest('dialog')?.close()
  const opener = target.closest('[data-dialog-open]')
  if (opener) document.getElementById(opener.dataset.dialogOpen)?.showModal()
  if (target instanceof HTMLDialogElement) target.close()
  const copy = target.closest('[data-copy]')
  if (copy) copyText(copy)
  const view = target.closest('[data-chart-view]')
  if (view) showChartView(view)
  for (const menu of document.querySelectorAll('details.menu[open]')) if (!menu.contains(target)) menu.open = false
})

function copyText(button) {
  const source = document.getElementById(button.dataset.copy)
  navigator.clipboard?.writeText(source.textContent.trim()).then(() => {
    button.textContent = '已复制'
  })
}

function showChartView(button) {
  const figure = button.closest('figure')
  figure.dataset.view = button.dataset.chartView
  for (const other of figure.querySelectorAll('[data-chart-view]')) other.setAttribute('aria-pressed', String(other === button))
}

document.addEventListener('submit', (event) => {
  const form = event.target
  if (!form.dataset.confirm || form.dataset.confirmed) return
  event.preventDefault()
  event.stopImmediatePropagation()
  ask(form.dataset.confirm, form.dataset.confirmLabel, 'confirmDanger' in form.dataset).then((yes) => {
    if (!yes) return
    form.dataset.confirmed = 'true'
    form.requestSubmit(event.submitter)
    delete form.dataset.confirmed
  })
}, true)

document.addEventListener('htmx:confirm', (event) => {
  const { ctx, issueRequest, dropRequest } = event.detail
  if (!ctx.confirm) return
  event.preventDefault()
  const source = ctx.sourceElement
  ask(ctx.confirm, source.dataset.confirmLabel, 'confirmDanger' in source.dataset).then((yes) => (yes ? issueRequest() : dropRequest()))
})

// A redirect answers the whole page, never a fragment of it: after saving, or when the session has ended.
document.addEventListener('htmx:before:response', (event) => {
  const { raw } = event.detail.ctx.response
  if (!raw.redirected) return
  event.preventDefault()
  const url = new URL(raw.url)
  if (url.searchParams.has('next')) url.searchParams.set('next', location.pathname + location.search)
  location.href = url.href
})

document.addEventListener('htmx:after:swap', (event) => {
  const target = event.detail.ctx?.target ?? event.target
  if (target?.id === 'dialog-body') $('#dialog').showModal()
  if (event.detail.ctx?.response?.headers?.get('X-Close-Dialog')) $('#dialog')?.close()
})

// Network failures have no response to swap in, so the page itself says what happened.
document.addEventListener('htmx:error', () => {
  const region = $('#messages')
  if (!region) return
  region.replaceChildren($('#network-error').content.cloneNode(true))
})

document.addEventListener('keydown', (event) => {
  const typing = event.target.closest?.('input, select, textarea, [contenteditable]')
  if (event.key === 'Escape') {
    setDrawer(false)
    for (const menu of document.querySelectorAll('details.menu[open]')) {
      menu.open = false
      $('summary', menu).focus()
    }
    const cancel = event.target.closest?.('form')?.querySelector('[data-cancel]')
    if (cancel) cancel.click()
    return
  }
  if (typing || event.ctrlKey || event.metaKey || event.altKey || $('dialog[open]')) return
  if (event.key === '/') {
    const search = $('#search-box')
    if (search) {
      event.preventDefault()
      search.focus()
      search.select()
    }
  } else if (event.key === '?') {
    $('#shortcuts')?.showModal()
  }
})

$('#confirm')?.addEventListener('close', answer)

// A double click sends a form once. Pages come after it; what only downloads a file may be asked for again soon.
const SENT_FOR = 3000
document.addEventListener('submit', (event) => {
  const form = event.target
  if (event.defaultPrevented || form.method !== 'post') return
  if (Date.now() - Number(form.dataset.sentAt ?? 0) < SENT_FOR) {
    event.preventDefault()
    return
  }
  form.dataset.sentAt = String(Date.now())
})

// Some answers take seconds: say so, and take no second press meanwhile.
document.addEventListener('submit', (event) => {
  const form = event.target
  const button = form.dataset.busy && $('button', form)
  if (!button || event.defaultPrevented) return
  button.textContent = form.dataset.busy
  button.setAttribute('aria-busy', 'true')
  setTimeout(() => (button.disabled = true))
})

// --- alerts, imports, links ------------------------------------------------------------------------------------------
document.addEventListener('click', (event) => {
  const button = event.target instanceof Element ? event.target.closest('[data-fill]') : null
  const field = button && $(button.dataset.fill)
  if (!field) return
  field.value = button.textContent.trim()
  field.focus()
  field.setSelectionRange(field.value.length, field.value.length)
})

// A page that was posted for takes an address that can be reloaded and gone back to.
if ($('[data-address]')) history.replaceState(null, '', $('[data-address]').dataset.address)
// A page made ready for paper opens the printing dialog by itself.
if ($('[data-print-now]')) window.addEventListener('load', () => window.print())

document.addEventListener('change', (event) => {
  if (event.target instanceof HTMLSelectElement && 'submit' in event.target.dataset) event.target.form.requestSubmit()
})

// --- evaluation in a hall --------------------------------------------------------------------------------------------
// Typing a member's number on the roll goes there; two digits typed soon after each other are one number.
let typedNumber = ''
let typedAt = 0
document.addEventListener('keydown', (event) => {
  const roll = event.target.closest?.('[data-roll]') ?? ($('[data-roll]') && event.target === document.body ? $('[data-roll]') : null)
  if (!roll || event.ctrlKey || event.metaKey || event.altKey || !/^[0-9]$/.test(event.key)) return
  typedNumber = event.timeStamp - typedAt < 900 ? typedNumber + event.key : event.key
  typedAt = event.timeStamp
  const boxes = roll.querySelectorAll('input')
  const box = boxes[Number(typedNumber) - 1] ?? boxes[Number(event.key) - 1]
  box?.focus()
})

// The sum of every household's votes beside those present, while they are typed.
document.addEventListener('input', (event) => {
  const row = event.target.closest?.('[data-vote]')
  if (!row) return
  const present = Number(row.closest('[data-votes]').dataset.votes)
  const counts = [...row.querySelectorAll('input[inputmode]')].map((field) => Number(field.value.trim() || 0))
  const sum = counts.reduce((all, one) => all + one, 0)
  const shown = $('[data-sum]', row)
  shown.textContent = Number.isInteger(sum) && sum > 0 ? String(sum) : '—'
  shown.classList.toggle('wrong', sum > present)
})

// A digit only brings the focus to a decision; Enter makes it, so that a slip of the finger decides nothing.
document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || !/^[1-9]$/.test(event.key) || $('dialog[open]')) return
  if (event.target.closest?.('input, select, textarea, [contenteditable]')) return
  $(`[data-focus-key="${event.key}"]`)?.focus()
})
