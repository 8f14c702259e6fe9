// Builds the check of forms into src/huqing/visits/engine: one file that Node runs, without a folder of modules.
//
// The result is committed; tools/check_assets.py compares the recorded hash of these sources with the tree.
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const here = dirname(fileURLToPath(import.meta.url))
const dist = join(here, '..', '..', 'src', 'huqing', 'visits', 'engine')
const sources = ['build.mjs', 'package.json', 'package-lock.json', ...readdirSync(join(here, 'src')).map((name) => `src/${name}`)].sort()

const sha256 = (content) => createHash('sha256').update(content).digest('hex')

rmSync(dist, { recursive: true, force: true })
mkdirSync(dist, { recursive: true })
await build({
  entryPoints: [join(here, 'src', 'check.mjs')],
  outfile: join(dist, 'check.mjs'),
  bundle: true,
  minify: true,
  keepNames: true, // the engine looks at the name of the class Node
  format: 'esm',
  platform: 'node',
  target: 'node20',
  conditions: ['import'],
  legalComments: 'none',
  charset: 'utf8',
  banner: { js: "import{createRequire as __r}from'node:module';const require=__r(import.meta.url);" },
})
const files = { 'check.mjs': sha256(readFileSync(join(dist, 'check.mjs'))) }
const hash = sha256(sources.map((name) => `${name} ${sha256(readFileSync(join(here, name)))}\n`).join(''))
writeFileSync(join(dist, 'manifest.json'), JSON.stringify({ sources: hash, files }, null, 1) + '\n')
