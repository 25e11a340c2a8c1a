import { printTable } from '../system/print-table.ts';
import type { FaultReport } from './run-faults.ts';

const COLUMNS = [
  'fault',
  'runs',
  'ms a run',
  'changes',
  'received',
  'duplicates',
  'longest gap ms',
  'violations',
];

/** Prints one row per fault and system, and everything that should not have been. */
export function showReport(reports: readonly FaultReport[]): void {
  for (const { title, rows, violations, disturbances, drainedInMs } of reports) {
    const besides = Object.entries(disturbances).map(([kind, count]) => `${count} ${kind}`);
    printTable(
      `${title}: ${violations.length} violations, drained in ${Math.round(drainedInMs)} ms, besides ${besides.join(', ')}`,
      COLUMNS,
      rows.map(({ kind, runs, tookMs, changes, received, duplicates, longestGapMs, violations: found }) => [
        kind,
        ...[runs, tookMs, changes, received, duplicates, longestGapMs, found].map((figure) =>
          String(Math.round(figure)),
        ),
      ]),
    );
    for (const violation of violations) console.log(JSON.stringify(violation));
  }
}
