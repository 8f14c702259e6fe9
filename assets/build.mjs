// Builds everything the office loads in a browser into src/huqing/office/static/office/dist.
//
// The result is committed, so that running the product needs no Node; tools/check_assets.py compares the recorded
// hash of these sources with the sources in the tree and refuses stale assets.
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import * as sass from 'sass'

const here = dirname(fileURLToPath(import.meta.url))
const dist = join(here, '..', 'src', 'huqing', 'office', 'static', 'office', 'dist')
const modules = join(here, 'node_modules')

function sha256(content) {
  return createHash('sha256').update(content).digest('hex')
}

function sources() {
  const files = []
  const walk = (folder) => {
    for (const name of readdirSync(folder).sort()) {
      const path = join(folder, name)
      if (statSync(path).isDirectory()) walk(path)
      else files.push(path)
    }
  }
  walk(join(here, 'src'))
  files.push(join(here, 'build.mjs'), join(here, 'icons.json'), join(here, 'package.json'), join(here, 'package-lock.json'))
  return files.map((path) => [relative(here, path).split(sep).join('/'), path]).sort((a, b) => (a[0] < b[0] ? -1 : 1))
}

function sourceHash() {
  return sha256(sources().map(([name, path]) => `${name} ${sha256(readFileSync(path))}\n`).join(''))
}

// The content security policy allows images from the product itself only, so drawings inside the style sheet become files.
function extractDrawings(css) {
  const seen = new Map()
  return css.replace(/url\((["'])data:image\/svg\+xml,(.*?)\1\)/g, (_, quote, data) => {
    const svg = decodeURIComponent(data)
    const name = `drawing-${sha256(svg).slice(0, 8)}.svg`
    if (!seen.has(name)) {
      seen.set(name, svg)
      writeFileSync(join(dist, name), svg + '\n')
    }
    return `url("${name}")`
  })
}

async function styles() {
  const tabler = sass.compile(join(here, 'src', 'tabler.scss'), { loadPaths: [modules], quietDeps: true })
  const own = readFileSync(join(here, 'src', 'office.css'), 'utf8')
  const print = readFileSync(join(here, 'src', 'print.css'), 'utf8')
  const result = await build({
    stdin: { contents: extractDrawings(tabler.css) + own + print, loader: 'css', resolveDir: dist },
    bundle: true,
    external: ['*.svg'],
    minify: true,
    write: false,
    target: ['chrome111', 'firefox113', 'safari16.4'],
  })
  writeFileSync(join(dist, 'app.css'), result.outputFiles[0].text)
}

async function scripts() {
  await build({
    entryPoints: { app: join(here, 'src', 'app.js'), charts: join(here, 'src', 'charts.js') },
    outdir: dist,
    bundle: true,
    minify: true,
    format: 'iife',
    target: ['chrome111', 'firefox113', 'safari16.4'],
    legalComments: 'none',
    charset: 'utf8',
  })
}

function icons() {
  const names = JSON.parse(readFileSync(join(here, 'icons.json'), 'utf8')).sort()
  const symbols = names.map((name) => {
    const svg = readFileSync(join(modules, '@tabler', 'icons', 'icons', 'outline', `${name}.svg`), 'utf8')
    const inner = svg.slice(svg.indexOf('>', svg.indexOf('<svg')) + 1, svg.lastIndexOf('</svg>'))
    const paths = inner.replace(/<path stroke="none" d="M0 0h24v24H0z" fill="none"\s*\/>/, '').replace(/\s+/g, ' ').trim()
    return `<symbol id="${name}" viewBox="0 0 24 24">${paths}</symbol>`
  })
  const head = '<svg xmlns="http://www.w3.org/2000/svg" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round">'
  writeFileSync(join(dist, 'icons.svg'), `${head}\n${symbols.join('\n')}\n</svg>\n`)
  return names
}

rmSync(dist, { recursive: true, force: true })
mkdirSync(dist, { recursive: true })
await styles()
await scripts()
const names = icons()
const built = Object.fromEntries(readdirSync(dist).sort().map((name) => [name, sha256(readFileSync(join(dist, name)))]))
writeFileSync(join(dist, 'manifest.json'), JSON.stringify({ sources: sourceHash(), icons: names, files: built }, null, 1) + '\n')
for (const name of Object.keys(built)) console.log(`${name} ${(statSync(join(dist, name)).size / 1024).toFixed(0)} KB`)
