// Draws every chart of a page from the table beneath it: the table is the source, so the two can never disagree.
import { BarChart, LineChart } from 'echarts/charts'
import { AriaComponent, GridComponent, LegendComponent, TooltipComponent } from 'echarts/components'
import { init, registerLocale, use } from 'echarts/core'
import chinese from 'echarts/i18n/langZH-obj.js'
import { CanvasRenderer } from 'echarts/renderers'

use([BarChart, LineChart, AriaComponent, GridComponent, LegendComponent, TooltipComponent, CanvasRenderer])
registerLocale('ZH', chinese)

const COLOURS = ['#17598f', '#c2540a', '#8795a5', '#2f7d5b', '#7a5195']
const SEVERITY = { high: '#b3261e', medium: '#c2730a', low: '#8795a5', notice: '#b4bec8' }
const FONT = '"PingFang SC","Microsoft YaHei","Noto Sans CJK SC",system-ui,sans-serif'

function numberOf(cell) {
  return Number(cell.dataset.value ?? cell.textContent.replace(/[^\d.-]/g, ''))
}

// First column: category. Every further column: one series, named and coloured by its header cell.
function readTable(table) {
  const heads = [...table.tHead.rows[0].cells].slice(1)
  const rows = [...table.tBodies[0].rows].filter((row) => row.cells.length > 1)
  return {
    categories: rows.map((row) => row.cells[0].textContent.trim()),
    links: rows.map((row) => row.cells[0].querySelector('a')?.getAttribute('href') ?? ''),
    series: heads.map((head, column) => ({
      name: head.textContent.trim(),
      severity: head.dataset.severity,
      values: rows.map((row) => numberOf(row.cells[column + 1])),
    })),
  }
}

function options(figure, data) {
  const { kind = 'bar', unit = '', stack } = figure.dataset
  const horizontal = kind === 'hbar'
  const category = {
    type: 'category',
    data: data.categories,
    inverse: horizontal,
    axisTick: { show: false },
    axisLine: { lineStyle: { color: '#c5ccd4' } },
    axisLabel: { color: '#46525f', fontFamily: FONT, fontSize: 13, interval: horizontal ? 0 : 'auto', width: 150, overflow: 'break', lineHeight: 15 },
  }
  const value = {
    type: 'value',
    minInterval: kind === 'step' ? undefined : 1,
    // Steps of a parameter are small beside the parameter: what matters is the step.
    scale: kind === 'step',
    name: horizontal ? '' : unit,
    nameTextStyle: { color: '#5b6875', fontFamily: FONT, align: 'left' },
    axisLabel: { color: '#5b6875', fontFamily: FONT },
    splitLine: { lineStyle: { color: '#e8ebef' } },
  }
  return {
    animation: !window.matchMedia('(prefers-reduced-motion: reduce)').matches,
    animationDuration: 300,
    aria: { enabled: true },
    color: COLOURS,
    textStyle: { fontFamily: FONT },
    grid: { left: 8, right: 24, top: data.series.length > 1 ? 40 : horizontal ? 8 : 32, bottom: 8, containLabel: true },
    legend: data.series.length > 1 ? { top: 0, left: 0, itemWidth: 12, itemHeight: 12, textStyle: { color: '#46525f', fontFamily: FONT } } : undefined,
    // Rich text is drawn on the canvas: an HTML tooltip would need inline styles, which the page's policy forbids.
    tooltip: { trigger: 'axis', renderMode: 'richText', confine: true, axisPointer: { type: kind === 'line' || kind === 'step' ? 'line' : 'shadow' }, valueFormatter: (number) => `${number.toLocaleString('zh-CN')} ${unit}` },
    xAxis: horizontal ? value : category,
    yAxis: horizontal ? category : value,
    series: data.series.map((series) => ({
      name: series.name,
      type: kind === 'line' || kind === 'step' ? 'line' : 'bar',
      step: kind === 'step' ? 'end' : undefined,
      stack: stack ? 'all' : undefined,
      barMaxWidth: 22,
      color: SEVERITY[series.severity],
      symbolSize: 6,
      data: series.values,
    })),
  }
}

function draw(figure) {
  const canvas = figure.querySelector('.chart-canvas')
  const table = figure.querySelector('table')
  if (!canvas || !table || canvas.dataset.drawn) return
  canvas.dataset.drawn = 'true'
  const data = readTable(table)
  // Set through the object model: the page's policy forbids style attributes.
  if (figure.dataset.kind === 'hbar') canvas.style.height = `${Math.max(6, 2.5 + (data.series.length > 1 ? 2 : 0) + 2 * data.categories.length)}rem`
  const chart = init(canvas, null, { renderer: 'canvas', locale: 'ZH' })
  chart.setOption(options(figure, data))
  chart.on('click', (event) => {
    const link = data.links[event.dataIndex]
    if (link) location.href = link
  })
  new ResizeObserver(() => canvas.offsetWidth && chart.resize()).observe(canvas)
}

function drawAll(root) {
  for (const figure of root.querySelectorAll('figure.chart')) draw(figure)
}

drawAll(document)
document.addEventListener('htmx:after:process', (event) => drawAll(event.target.parentNode ?? document))
