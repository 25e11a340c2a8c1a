import type { Point } from './create-traps.ts';

/**
 * What the processes ask of their servers, by the names of prepared statements, whatever follows in a name; jobs are added
 * by BullMQ: on PostgreSQL by a function, on Redis by the only scripts that get the key of the last job's id.
 */
const STATEMENTS = {
  change: /^write-(order-change|new-order)/,
  enqueue: /\badd_jobs?(_bulk)?\(|^eval(sha)? .* bull:deliveries:id\b/is,
  claim: /^claim-deliver/,
  record: /^record-attempt/,
  look: /^find-movable/,
} as const;

/** The moments at which the death of a process, or of its connection, tells most. */
export const POINTS = {
  'change committed, job not added': { statement: STATEMENTS.change, side: 'after' },
  'job added, answer not arrived': { statement: STATEMENTS.enqueue, side: 'after' },
  'claim committed, answer not arrived': { statement: STATEMENTS.claim, side: 'after' },
  'answered, record not arrived': { statement: STATEMENTS.record, side: 'before' },
  'record committed, answer not arrived': { statement: STATEMENTS.record, side: 'after' },
  'recorded, not looked at the lane': { statement: STATEMENTS.look, side: 'before' },
} as const satisfies Readonly<Record<string, Point>>;

export type PointName = keyof typeof POINTS;
