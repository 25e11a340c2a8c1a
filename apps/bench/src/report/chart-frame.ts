import type { Scale } from './chart-scale.ts';
import { formatNumber } from './format-number.ts';
import { type Html, html } from './html.ts';

/** All charts are drawn as large, and shown as wide as their place is. */
export const CHART = { width: 560, height: 236, left: 52, right: 544, top: 12, bottom: 192 } as const;

/** Colours that are told apart in both schemes, in the order in which they are given: see report-style.ts. */
export const COLOURS = 8;

export function colourOf(index: number): string {
  return `c${(index % COLOURS) + 1}`;
}

export interface Frame {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly x: Scale;
  readonly y: Scale;
  readonly legend: readonly LegendEntry[];
}

export interface LegendEntry {
  readonly name: string;
  /** A class of report-style.ts: `c1`, `c1 dashed`. */
  readonly mark: string;
}

/** A chart with its axes, around what is drawn in it. */
export function drawFrame({ title, xLabel, yLabel, x, y, legend }: Frame, content: readonly Html[]): Html {
  const { width, height, left, right, bottom } = CHART;
  const yTicks = y.ticks.map((value) => {
    const at = y.toPlace(value).toFixed(1);
    return html`<line class="grid" x1="${left}" x2="${right}" y1="${at}" y2="${at}"/><text class="tick" x="${left - 6}" y="${at}" dy="0.32em" text-anchor="end">${formatNumber(value)}</text>`;
  });
  const xTicks = x.ticks.map(
    (value) =>
      html`<text class="tick" x="${x.toPlace(value).toFixed(1)}" y="${bottom + 16}" text-anchor="middle">${formatNumber(value)}</text>`,
  );
  return html`<figure>
<figcaption><b>${title}</b><span class="unit">${yLabel}</span></figcaption>
${legend.length > 1 ? drawLegend(legend) : null}
<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${title}">
${yTicks}<line class="axis" x1="${left}" x2="${right}" y1="${bottom}" y2="${bottom}"/>${xTicks}
<text class="tick" x="${right}" y="${bottom + 34}" text-anchor="end">${xLabel}</text>
${content}
</svg>
</figure>`;
}

export function drawLegend(entries: readonly LegendEntry[]): Html {
  const marks = entries.map(({ name, mark }) => html`<li><i class="${mark}"></i>${name}</li>`);
  return html`<ul class="legend">${marks}</ul>`;
}
