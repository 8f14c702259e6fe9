import './compat'
import { createApp } from 'vue'
import { Locale } from 'vant'
import zhCN from 'vant/es/locale/lang/zh-CN'

import App from './App.vue'
import './app.css'

// notice.js has looked at the browser first, in words that any browser understands.
if (!(window as { huqingNotice?: boolean }).huqingNotice) {
  Locale.use('zh-CN', zhCN)
  createApp(App).mount('#app')
}
