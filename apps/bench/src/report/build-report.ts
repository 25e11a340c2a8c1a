/**
 * The result as a page that needs nothing but itself: its policy forbids a browser to fetch anything, scripts included,
 * so it opens from a file on a machine without a network, and shows the same everywhere.
 */
import type {
  Aim,
  BenchCurve,
  BenchMeta,
  BenchResult,
  BenchRow,
  Spread,
  TimeSeries,
} from '../result/bench-result.ts';
import { drawCpuChart } from './cpu-chart.ts';
import { drawDistributionChart } from './distribution-chart.ts';
import { formatNumber } from './format-number.ts';
import { Html, html } from './html.ts';
import { type ChartLine, drawLineChart } from './line-chart.ts';
import { REPORT_STYLE } from './report-style.ts';

const POLICY = "default-src 'none'; style-src 'unsafe-inline'";

/** @returns the page */
export function buildReport({ meta, rows, curves }: BenchResult): string {
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="content-security-policy" content="${POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Vendor Server: bench of ${meta.date.slice(0, 10)}</title>
<style>${new Html(REPORT_STYLE)}</style>
</head>
<body><main>
<h1>Vendor Server, measured</h1>
<p class="soft">Each row holds one thing of ours against the bare part that it is made of, measured in the same run, in turns.${meta.quick ? ' This was a quick run: good for a look, not for a comparison.' : ''}</p>
${drawFacts(meta)}
${rows.length === 0 ? null : drawSummary(rows)}
${rows.map(drawRow)}
${curves.length === 0 ? null : drawCurves(curves)}
</main></body>
</html>
`;
  return page.text;
}

function drawFacts({
  date,
  tookSeconds,
  machine,
  cores,
  memoryMib,
  system,
  versions,
  commit,
  database,
  queue,
}: BenchMeta): Html {
  const facts: [name: string, value: string][] = [
    ['measured', `${date.slice(0, 16).replace('T', ' ')} UTC, in ${formatNumber(tookSeconds)} s`],
    ['machine', `${cores} × ${machine}, ${formatNumber(memoryMib / 1024)} GiB, ${system}`],
    ['database', database],
    ['queue', queue],
    ...Object.entries(versions),
    ...(commit === null ? [] : [['commit', commit] as [string, string]]),
  ];
  return html`<ul class="facts">${facts.map(([name, value]) => html`<li>${name} <b>${value}</b></li>`)}</ul>`;
}

function drawSummary(rows: readonly BenchRow[]): Html {
  return html`<div class="scroll"><table>
<tr><th></th><th></th><th>ours</th><th>bare part</th><th>unit</th><th>ratio</th><th>aim</th><th></th></tr>
${rows.map(
  (
    row,
  ) => html`<tr><th>${row.id}</th><td class="text"><a href="#${row.id}">${row.title}</a></td>${drawSpread(row.ours)}${drawSpread(row.bare)}<td>${row.unit}</td><td>${formatNumber(row.ratio)}</td><td>${describeAim(row.aim)}</td>${drawVerdict(row.met)}</tr>
`,
)}</table></div>`;
}

function drawSpread({ median, min, max }: Spread): Html {
  return html`<td>${formatNumber(median)}<span class="range">${formatNumber(min)} – ${formatNumber(max)}</span></td>`;
}

const describeAim = ({ kind, ratio }: Aim) =>
  `${kind === 'at least' ? '≥' : '≤'}\u00a0${formatNumber(ratio)}`;

const drawVerdict = (met: boolean) =>
  met ? html`<td class="met">✓ reached</td>` : html`<td class="missed">✗ missed</td>`;

function drawRow(row: BenchRow): Html {
  const { id, title, bareTitle, unit, ours, bare, ratio, aim, notes } = row;
  return html`<section id="${id}">
<h2><span class="id">${id}</span>${title}</h2>
<p class="soft">${formatNumber(ours.median)} ${unit}, against ${formatNumber(bare.median)} of ${bareTitle}: ratio <b>${formatNumber(ratio)}</b>, aim ${describeAim(aim)}.</p>
${drawNotes(notes)}
<div class="charts">${drawCharts(row)}</div>
</section>
`;
}

function drawNotes(notes: readonly string[]): Html | null {
  return notes.length === 0
    ? null
    : html`<ul class="notes">${notes.map((note) => html`<li>${note}</li>`)}</ul>`;
}

function drawCharts(row: BenchRow): Html[] {
  const series = row.series.filter(({ points }) => points.length > 0);
  const hasLatencies = series.some(({ points }) => points.some(({ p50Ms }) => p50Ms !== null));
  const latencies = row.latencies.filter(({ count }) => count > 0);
  const hasCpu = row.cpu.ours.length + row.cpu.bare.length > 0;
  return [
    ...(series.length === 0 ? [] : [drawRates(series)]),
    ...(hasLatencies ? [drawLatencies(series)] : []),
    ...(latencies.length === 0 ? [] : [drawDistributionChart('How long they took', latencies)]),
    ...(hasCpu ? [drawCpuChart(row)] : []),
  ];
}

function drawRates(series: readonly TimeSeries[]): Html {
  const lines = series.map(
    ({ name, points }, colour): ChartLine => ({
      name,
      colour,
      points: points.map(({ atSeconds, perSecond }) => ({ x: atSeconds, y: perSecond })),
    }),
  );
  return drawLineChart({ title: 'Rate over time', xLabel: 'seconds', yLabel: 'per second', lines });
}

function drawLatencies(series: readonly TimeSeries[]): Html {
  const lines = series.flatMap(({ name, points }, colour): ChartLine[] => [
    {
      name: `${name}, p50`,
      colour,
      points: points.map(({ atSeconds, p50Ms }) => ({ x: atSeconds, y: p50Ms })),
    },
    {
      name: `${name}, p99`,
      colour,
      isDashed: true,
      points: points.map(({ atSeconds, p99Ms }) => ({ x: atSeconds, y: p99Ms })),
    },
  ]);
  return drawLineChart({ title: 'Latency over time', xLabel: 'seconds', yLabel: 'ms', lines });
}

function drawCurves(curves: readonly BenchCurve[]): Html {
  return html`<section id="curves">
<h2>Cost against size</h2>
<div class="charts">${curves.map(drawCurve)}</div>
</section>`;
}

function drawCurve({ title, xLabel, yLabel, lines, notes }: BenchCurve): Html {
  const xTicks = [...new Set(lines.flatMap(({ points }) => points.map(({ x }) => x)))].toSorted(
    (a, b) => a - b,
  );
  const chart = drawLineChart({
    title,
    xLabel,
    yLabel,
    xTicks,
    lines: lines.map(({ name, points }, colour) => ({ name, colour, points })),
  });
  return html`<div>${chart}${drawNotes(notes)}</div>`;
}
