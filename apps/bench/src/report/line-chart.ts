import { CHART, colourOf, drawFrame } from './chart-frame.ts';
import { createLinearScale, createLogScale, type Scale } from './chart-scale.ts';
import { formatNumber } from './format-number.ts';
import { type Html, html } from './html.ts';

export interface ChartLine {
  readonly name: string;
  /** Which of the colours; lines of the same thing share one. */
  readonly colour: number;
  readonly isDashed?: boolean;
  /** Ascending by `x`; null where there is no value, so that the line has a gap. */
  readonly points: readonly { readonly x: number; readonly y: number | null }[];
}

export interface LineChart {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly lines: readonly ChartLine[];
  /** The horizontal axis names these, and its points are marked; otherwise it is time from zero. */
  readonly xTicks?: readonly number[];
}

/** Values so far apart share an axis only if every factor takes the same room. */
const LOG_FROM_RATIO = 20;
/** Room for the marks of the first and last point. */
const INSET = 12;

export function drawLineChart({ title, xLabel, yLabel, lines, xTicks }: LineChart): Html {
  const { left, right, top, bottom } = CHART;
  const most = Math.max(0, ...lines.flatMap(({ points }) => points.map(({ y }) => y ?? 0)));
  const y = createLinearScale(most, bottom, top);
  const lastX = Math.max(0, ...lines.flatMap(({ points }) => points.map((point) => point.x)));
  const x = xTicks === undefined ? createLinearScale(lastX, left, right) : createTickScale(xTicks);
  const drawn = lines.map((line) => drawLine(line, x, y, xTicks !== undefined));
  const legend = lines.map(({ name, colour, isDashed = false }) => ({
    name,
    mark: isDashed ? `${colourOf(colour)} dashed` : colourOf(colour),
  }));
  return drawFrame({ title, xLabel, yLabel, x, y, legend }, drawn);
}

function createTickScale(ticks: readonly number[]): Scale {
  const [from, to] = [CHART.left + INSET, CHART.right - INSET];
  const [least, most] = [Math.min(...ticks), Math.max(...ticks)];
  const scale =
    least > 0 && most / least >= LOG_FROM_RATIO
      ? createLogScale(least, most, from, to)
      : createLinearScale(most, from, to);
  return { toPlace: scale.toPlace, ticks };
}

function drawLine(
  { name, colour, isDashed, points }: ChartLine,
  x: Scale,
  y: Scale,
  isMarked: boolean,
): Html {
  let path = '';
  let isOpen = false;
  for (const point of points) {
    if (point.y !== null) {
      path += `${isOpen ? 'L' : 'M'}${x.toPlace(point.x).toFixed(1)} ${y.toPlace(point.y).toFixed(1)}`;
    }
    isOpen = point.y !== null;
  }
  const marks = points.flatMap((point) => {
    if (!isMarked || point.y === null) return [];
    const label = `${name}: ${formatNumber(point.y)} at ${formatNumber(point.x)}`;
    return [
      html`<circle class="mark ${colourOf(colour)}" cx="${x.toPlace(point.x).toFixed(1)}" cy="${y.toPlace(point.y).toFixed(1)}" r="4"><title>${label}</title></circle>`,
    ];
  });
  const mark = isDashed === true ? `${colourOf(colour)} dashed` : colourOf(colour);
  return html`<path class="line ${mark}" d="${path}"><title>${name}</title></path>${marks}`;
}
