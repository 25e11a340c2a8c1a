import type { LatencyDistribution } from '../result/bench-result.ts';
import { CHART, colourOf, drawFrame } from './chart-frame.ts';
import { createLinearScale, createLogScale, type Scale } from './chart-scale.ts';
import { formatNumber } from './format-number.ts';
import { type Html, html } from './html.ts';

/** What a bucket's beginning is of its end, where there is none before it. */
const FIRST_BUCKET_RATIO = 0.75;

interface Step {
  readonly fromMs: number;
  readonly toMs: number;
  /** Of all that was measured, in percent. */
  readonly share: number;
}

/** How many took how long, with a line where the slowest hundredth begins. */
export function drawDistributionChart(title: string, distributions: readonly LatencyDistribution[]): Html {
  const { left, right, top, bottom } = CHART;
  const steps = distributions.map(toSteps);
  const all = steps.flat();
  const x = createLogScale(
    Math.min(...all.map(({ fromMs }) => fromMs)),
    Math.max(...all.map(({ toMs }) => toMs)),
    left,
    right,
  );
  const y = createLinearScale(Math.max(...all.map(({ share }) => share)), bottom, top);
  const drawn = distributions.map((distribution, index) =>
    drawSteps(distribution, steps[index] ?? [], index, x, y),
  );
  const legend = distributions.map(({ name, p50Ms, p99Ms }, index) => ({
    name: `${name}: p50 ${formatNumber(p50Ms)} ms, p99 ${formatNumber(p99Ms)} ms`,
    mark: colourOf(index),
  }));
  return drawFrame({ title, xLabel: 'ms', yLabel: '% of all', x, y, legend }, drawn);
}

function toSteps({ count, buckets }: LatencyDistribution): Step[] {
  return buckets.map((bucket, index) => ({
    fromMs: buckets[index - 1]?.upToMs ?? bucket.upToMs * FIRST_BUCKET_RATIO,
    toMs: bucket.upToMs,
    share: (bucket.count / count) * 100,
  }));
}

function drawSteps(
  { name, p99Ms }: LatencyDistribution,
  steps: readonly Step[],
  index: number,
  x: Scale,
  y: Scale,
): Html {
  const zero = y.toPlace(0).toFixed(1);
  const tops = steps.map(({ fromMs, toMs, share }) => {
    const height = y.toPlace(share).toFixed(1);
    return `L${x.toPlace(fromMs).toFixed(1)} ${height}L${x.toPlace(toMs).toFixed(1)} ${height}`;
  });
  const [first, last] = [steps[0], steps.at(-1)];
  if (first === undefined || last === undefined) return html``;
  const outline = `M${x.toPlace(first.fromMs).toFixed(1)} ${zero}${tops.join('')}L${x.toPlace(last.toMs).toFixed(1)} ${zero}`;
  const at = x.toPlace(Math.min(Math.max(p99Ms, first.fromMs), last.toMs)).toFixed(1);
  const label = `${name}: p99 ${formatNumber(p99Ms)} ms`;
  const colour = colourOf(index);
  return html`<path class="area ${colour}" d="${outline}Z"/><path class="line ${colour}" d="${outline}"><title>${name}</title></path><line class="line ${colour} dashed" x1="${at}" x2="${at}" y1="${CHART.top}" y2="${zero}"><title>${label}</title></line>`;
}
