// Says, before anything else and in a script any browser reads, when this browser cannot carry the app.
(function () {
  var agent = navigator.userAgent
  var TEXTS = {
    inside: ['请换到浏览器里打开', '{name}里打开的页面存不住您填的表，离线也不能用。', ['点右上角的“…”。', '选“在浏览器打开”或“用默认浏览器打开”。', '没有这一项的，点下面“复制链接”，打开手机自带的浏览器，粘贴到地址栏。']],
    plain: ['这个地址不安全，不能用', '网址开头是 http，浏览器不允许在这样的地址上保存农户资料。', ['请把网址开头的 http 改成 https 再打开。', '仍打不开，请告诉县里的系统管理员：手机使用须给服务器配好 https 证书。']],
    old: ['浏览器太旧，打不开', '这个浏览器缺少保存表格需要的功能。', ['请把浏览器更新到最新版（谷歌浏览器、Edge、华为、小米、OPPO、vivo 自带浏览器都可以）。', '苹果手机请把系统更新到 15.4 以上，再用 Safari 打开。', '更新不了的，可请县里发给您 ODK Collect 用的链接。']],
    stuck: ['页面没有打开', '可能是网络断了，或者浏览器太旧。', ['请连上网再打开一次。', '还是这样，请把浏览器更新到最新版。']]
  }

  function reason() {
    if (/MicroMessenger/i.test(agent)) return ['inside', '微信']
    if (/DingTalk/i.test(agent)) return ['inside', '钉钉']
    if (/\bQQ\//i.test(agent)) return ['inside', 'QQ']
    if (/AlipayClient/i.test(agent)) return ['inside', '支付宝']
    if (/Weibo/i.test(agent)) return ['inside', '微博']
    if (window.isSecureContext === false || (window.isSecureContext === undefined && location.protocol !== 'https:')) return ['plain', '']
    var script = document.createElement('script')
    var able = 'noModule' in script && window.Promise && Promise.allSettled && window.fetch && window.indexedDB &&
      'serviceWorker' in navigator && navigator.locks && navigator.storage && window.BigInt && window.WebAssembly &&
      window.FormData && window.IntersectionObserver && window.WeakRef && String.prototype.replaceAll
    return able ? null : ['old', '']
  }

  function add(parent, tag, text) {
    var node = document.createElement(tag)
    if (text) node.appendChild(document.createTextNode(text))
    parent.appendChild(node)
    return node
  }

  function copy(box, said) {
    var field = add(box, 'textarea')
    field.value = location.href
    field.setAttribute('readonly', 'readonly')
    field.setAttribute('aria-label', '链接')
    field.select()
    if (field.setSelectionRange) field.setSelectionRange(0, 9999)
    var done = false
    try { done = document.execCommand('copy') } catch (error) { done = false }
    said.firstChild.nodeValue = done ? '已复制' : '请长按下面的链接，全选后复制'
    if (done) box.removeChild(field)
  }

  function tell(kind, name) {
    window.huqingNotice = true
    var text = TEXTS[kind]
    var box = document.getElementById('notice')
    if (!box || box.firstChild) return
    add(box, 'h1', text[0])
    add(box, 'p', text[1].replace('{name}', name))
    var list = add(box, 'ol')
    for (var i = 0; i < text[2].length; i++) add(list, 'li', text[2][i])
    if (kind === 'inside') {
      var button = add(box, 'button', '复制链接')
      button.setAttribute('type', 'button')
      button.onclick = function () { copy(box, button) }
    }
    box.removeAttribute('hidden')
    box.style.display = 'block'
  }

  var found = reason()
  if (found) window.huqingNotice = true

  function ready() {
    if (found) return tell(found[0], found[1])
    // Whatever else goes wrong before the first page: never leave it blank.
    setTimeout(function () {
      var app = document.getElementById('app')
      if (app && !app.firstChild) tell('stuck', '')
    }, 20000)
  }
  if (document.readyState !== 'loading') ready()
  else if (document.addEventListener) document.addEventListener('DOMContentLoaded', ready)
  else window.onload = ready
})()
