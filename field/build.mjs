// Builds the phone app into src/huqing/api/static/field, from where huqing.api serves it at /field/.
//
// The result is committed, so that running the product needs no Node; tools/check_assets.py compares the recorded
// hash of these sources with the sources in the tree and refuses a stale build.
import { createHash } from 'node:crypto'
import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import vue from '@vitejs/plugin-vue'
import { build, transformWithOxc } from 'vite'

const here = dirname(fileURLToPath(import.meta.url))
const target = join(here, '..', 'src', 'huqing', 'api', 'static', 'field')
// Made aside and put in place at the end: a running server and a second build never see half of one.
const dist = join(here, 'node_modules', `.built-${process.pid}`)
mkdirSync(dist)
const TOP_LEVEL = ['build.mjs', 'index.html', 'package.json', 'package-lock.json', 'tsconfig.json']

function sha256(content) {
  return createHash('sha256').update(content).digest('hex')
}

function walk(folder) {
  return readdirSync(folder)
    .map((name) => join(folder, name))
    .flatMap((path) => (statSync(path).isDirectory() ? walk(path) : [path]))
}

function named(paths, root) {
  return paths.map((path) => [relative(root, path).split(sep).join('/'), path]).sort((a, b) => (a[0] < b[0] ? -1 : 1))
}

function sourceHash() {
  const paths = [...TOP_LEVEL.map((name) => join(here, name)), ...walk(join(here, 'src')), ...walk(join(here, 'public'))]
  return sha256(named(paths, here).map(([name, path]) => `${name} ${sha256(readFileSync(path))}\n`).join(''))
}

// `import { Field, showToast } from 'vant'` brings the style of exactly these components.
const FUNCTIONS = { showToast: 'toast', showLoadingToast: 'toast', closeToast: 'toast', showDialog: 'dialog', showConfirmDialog: 'dialog', showImagePreview: 'image-preview', showNotify: 'notify' }
const vantStyles = {
  name: 'vant-styles',
  enforce: 'post',
  transform(code, id) {
    if (!id.startsWith(join(here, 'src'))) return null
    const names = [...code.matchAll(/import\s*\{([^}]*)\}\s*from\s*["']vant["']/g)].flatMap((found) => found[1].split(','))
    const components = new Set()
    for (const name of names.map((each) => each.trim().split(/\s+as\s+/)[0]).filter(Boolean)) {
      if (FUNCTIONS[name]) components.add(FUNCTIONS[name])
      else if (/^[A-Z]/.test(name) && name !== 'Locale') components.add(name.replace(/(?!^)([A-Z])/g, '-$1').toLowerCase())
    }
    if (!components.size) return null
    return { code: [...components].map((name) => `import 'vant/es/${name}/style/index'\n`).join('') + code, map: null }
  },
}

// Vant's icon style names a font on a public host beside the embedded one; nothing here may leave our own origin.
const ownIcons = {
  name: 'own-icons',
  enforce: 'pre',
  load: (id) => (/vant\/es\/icon\/index\.css$/.test(id.split('?')[0]) ? readFileSync(join(here, 'src', 'icons.css'), 'utf8') : null),
}

await build({
  root: here,
  base: '/field/',
  configFile: false,
  logLevel: 'error',
  publicDir: 'public',
  define: { __VUE_OPTIONS_API__: 'false', __VUE_PROD_DEVTOOLS__: 'false' },
  plugins: [ownIcons, vue({ template: { transformAssetUrls: false } }), vantStyles],
  build: {
    outDir: dist,
    emptyOutDir: true,
    target: 'chrome89',
    cssTarget: 'chrome89',
    modulePreload: { polyfill: false },
    assetsDir: '',
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    chunkSizeWarningLimit: 2000,
    sourcemap: false,
  },
})

// The service worker keeps exactly this build: its version is the hash of all the files it will hold.
// The reader of QR codes is fetched when it is wanted: who signs in has a network.
const shell = named(walk(dist), dist).map(([name]) => name).filter((name) => !/^jsqr-/i.test(name))
const version = sha256(shell.map((name) => `${name} ${sha256(readFileSync(join(dist, name)))}\n`).join('')).slice(0, 12)
const worker = readFileSync(join(here, 'src', 'worker', 'sw.js'), 'utf8')
  .replace("'__VERSION__'", JSON.stringify(version))
  .replace("['__FILES__']", JSON.stringify(shell.map((name) => (name === 'index.html' ? './' : name))))
const minified = await transformWithOxc(worker, 'sw.js', { target: 'chrome89' })
writeFileSync(join(dist, 'sw.js'), minified.code)

const files = Object.fromEntries(named(walk(dist), dist).map(([name, path]) => [name, sha256(readFileSync(path))]))
writeFileSync(join(dist, 'manifest.json'), JSON.stringify({ sources: sourceHash(), version, files }, null, 1) + '\n')
rmSync(target, { recursive: true, force: true })
cpSync(dist, target, { recursive: true })
for (const name of Object.keys(files)) console.log(`${name} ${(gzipSync(readFileSync(join(dist, name)), { level: 9 }).length / 1024).toFixed(1)} KB gz`)
rmSync(dist, { recursive: true, force: true })
