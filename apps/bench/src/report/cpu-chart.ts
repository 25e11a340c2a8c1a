import type { BenchRow, CpuShare } from '../result/bench-result.ts';
import { CHART, colourOf, drawLegend } from './chart-frame.ts';
import { formatNumber } from './format-number.ts';
import { type Html, html } from './html.ts';

const BAR = { left: 52, height: 26, distance: 46, top: 12, room: 60 } as const;

/** Each process has the same colour in all charts of the report. */
const PROCESSES = ['api', 'worker', 'postgres', 'redis', 'driver', 'receiver'];

/** Processor time of one unit of work, by process: ours above, the bare part below. */
export function drawCpuChart({ cpu }: Pick<BenchRow, 'cpu'>): Html {
  const sides = [
    ['ours', cpu.ours],
    ['bare', cpu.bare],
  ] as const;
  const most = Math.max(...sides.map(([, shares]) => sumOf(shares)));
  const names = [...new Set([...cpu.ours, ...cpu.bare].map(({ process }) => process))];
  const bars = sides.map(([name, shares], index) => drawBar(name, shares, index, most));
  const legend = names.map((name) => ({ name, mark: `block ${processColour(name)}` }));
  const height = BAR.top + sides.length * BAR.distance;
  return html`<figure>
<figcaption><b>Processor time</b><span class="unit">ms for one unit of work</span></figcaption>
${drawLegend(legend)}
<svg viewBox="0 0 ${CHART.width} ${height}" role="img" aria-label="Processor time by process">${bars}</svg>
<table class="small"><tr><th>ms each</th>${names.map((name) => html`<th>${name}</th>`)}<th>all</th></tr>
${sides.map(([name, shares]) => drawCells(name, shares, names))}
</table>
</figure>`;
}

function drawBar(name: string, shares: readonly CpuShare[], index: number, most: number): Html {
  const y = BAR.top + index * BAR.distance;
  const perMs = (CHART.right - BAR.left - BAR.room) / most;
  let at: number = BAR.left;
  const parts = shares.map(({ process, msPerUnit }) => {
    const from = at;
    at += msPerUnit * perMs;
    const label = `${process}: ${formatNumber(msPerUnit)} ms`;
    return html`<rect class="block ${processColour(process)}" x="${from.toFixed(1)}" y="${y}" width="${(at - from).toFixed(1)}" height="${BAR.height}"><title>${label}</title></rect>`;
  });
  const middle = y + BAR.height / 2;
  return html`<text class="label" x="${BAR.left - 8}" y="${middle}" dy="0.34em" text-anchor="end">${name}</text>${parts}<text class="label" x="${(at + 8).toFixed(1)}" y="${middle}" dy="0.34em">${formatNumber(sumOf(shares))} ms</text>`;
}

function drawCells(name: string, shares: readonly CpuShare[], names: readonly string[]): Html {
  const cells = names.map((process) => {
    const share = shares.find((each) => each.process === process);
    return html`<td>${share === undefined ? '–' : formatNumber(share.msPerUnit)}</td>`;
  });
  return html`<tr><th>${name}</th>${cells}<td>${formatNumber(sumOf(shares))}</td></tr>`;
}

function sumOf(shares: readonly CpuShare[]): number {
  return shares.reduce((sum, { msPerUnit }) => sum + msPerUnit, 0);
}

function processColour(name: string): string {
  const known = PROCESSES.indexOf(name);
  return colourOf(known < 0 ? PROCESSES.length : known);
}
