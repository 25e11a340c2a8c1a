import { printTable } from '@vendor-server/e2e/system/print-table.ts';
import type { BenchCurve, BenchMeta, BenchResult, BenchRow, CpuShare, Spread } from './bench-result.ts';

const COLUMNS = ['', 'ours', 'spread', 'bare', 'spread', 'unit', 'ratio', 'aim', ''];

/** The result as a person reads it. */
export function printResult({ meta, rows, curves }: BenchResult): void {
  console.log(`\n${describeMeta(meta)}`);
  if (rows.length > 0) {
    printTable('Ours, and the bare parts it is made of', COLUMNS, rows.map(toCells));
    printTable(
      'Processor time of each, in ms for one unit of work',
      ['', 'ours', 'bare'],
      rows.map(({ id, cpu }) => [id, toCpuText(cpu.ours), toCpuText(cpu.bare)]),
    );
    console.log(`\n${rows.flatMap(toNoteLines).join('\n')}`);
  }
  for (const curve of curves) printCurve(curve);
}

/** One line, as soon as it is known. */
export function toLine({ id, title, unit, ours, bare, ratio, aim, met }: BenchRow): string {
  return `${id} ${title}: ${toNumber(ours.median)} against ${toNumber(bare.median)} ${unit}, ratio ${ratio.toFixed(2)} (${aim.kind} ${aim.ratio}: ${met ? 'met' : 'missed'})`;
}

function describeMeta({
  date,
  machine,
  cores,
  memoryMib,
  system,
  versions,
  commit,
  ...rest
}: BenchMeta): string {
  const shown = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return [
    `${date}, ${rest.quick ? 'quick, ' : ''}${rest.tookSeconds.toFixed(0)} s, commit ${commit ?? 'unknown'}`,
    `${machine}, ${cores} cores, ${memoryMib} MiB, ${system}; database ${rest.database}, queue in ${rest.queue}`,
    shown.join(', '),
  ].join('\n');
}

function toCells({ id, title, unit, ours, bare, ratio, aim, met }: BenchRow): string[] {
  return [
    `${id} ${title}`,
    toNumber(ours.median),
    toSpreadText(ours),
    toNumber(bare.median),
    toSpreadText(bare),
    unit,
    ratio.toFixed(2),
    `${aim.kind === 'at least' ? '≥' : '≤'} ${aim.ratio}`,
    met ? 'met' : 'missed',
  ];
}

function toSpreadText({ min, max }: Spread): string {
  return `${toNumber(min)}–${toNumber(max)}`;
}

function toCpuText(shares: readonly CpuShare[]): string {
  return shares.map(({ process, msPerUnit }) => `${process} ${msPerUnit.toFixed(2)}`).join(', ');
}

function toNoteLines({ id, bareTitle, notes }: BenchRow): string[] {
  return [`${id}: held against ${bareTitle}.`, ...notes.map((note) => `    ${note}`)];
}

function printCurve({ id, title, xLabel, yLabel, lines, notes }: BenchCurve): void {
  const xs = [...new Set(lines.flatMap(({ points }) => points.map(({ x }) => x)))].toSorted((a, b) => a - b);
  printTable(
    `${id} ${title} (${yLabel} by ${xLabel})`,
    ['', ...xs.map(String)],
    lines.map(({ name, points }) => [
      name,
      ...xs.map((x) => {
        const point = points.find((each) => each.x === x);
        return point === undefined ? '' : toNumber(point.y);
      }),
    ]),
  );
  console.log(notes.map((note) => `    ${note}`).join('\n'));
}

/** Three significant digits, and no more of large numbers than their whole. */
function toNumber(value: number): string {
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
