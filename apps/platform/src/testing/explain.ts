import pg from 'pg';
import type { SqlExecutor } from '../database/sql-executor.ts';
import { withTransaction } from '../database/sql-executor.ts';

/** One node of a plan that was run. */
export interface PlanNode {
  readonly type: string;
  /** The table it reads, if it does. */
  readonly table: string | null;
  readonly index: string | null;
  /** Rows it gave and rows it threw away, over all its loops: at least so many, see `countRemoved`. */
  readonly rows: number;
}

export interface Plan {
  readonly nodes: readonly PlanNode[];
  readonly durationMs: number;
}

interface RawNode {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly Plans?: readonly RawNode[];
}

/** Runs the one statement that `run` sends, under `explain analyze`, on `executor`. */
export async function explain(
  executor: SqlExecutor,
  run: (executor: SqlExecutor) => Promise<unknown>,
): Promise<Plan> {
  const statement = await capture(run);
  const { rows } = await executor.query(`explain (analyze, format json) ${statement.text}`, statement.values);
  return toPlan(rows);
}

/**
 * The same with the plan that a connection keeps for all parameters, once it has seen a few. Its parameters may be
 * texts, numbers, times, null, and lists of them.
 */
export async function explainKeptPlan(
  pool: pg.Pool,
  run: (executor: SqlExecutor) => Promise<unknown>,
): Promise<Plan> {
  const { text, values = [] } = await capture(run);
  return withTransaction(pool, async (transaction) => {
    await transaction.query('set local plan_cache_mode = force_generic_plan');
    await transaction.query(`prepare explained as ${text}`);
    const literals = values.map(toLiteral).join(', ');
    const { rows } = await transaction.query(`explain (analyze, format json) execute explained(${literals})`);
    await transaction.query('deallocate explained');
    return toPlan(rows);
  });
}

function toLiteral(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return pg.escapeLiteral(`{${value.map(toElement).join(',')}}`);
  return pg.escapeLiteral(typeof value === 'string' ? value : JSON.stringify(value));
}

/** Quotes and backslashes are written as in JSON there. */
function toElement(value: unknown): string {
  if (value === null) return 'null';
  const text = value instanceof Date ? value.toISOString() : value;
  return JSON.stringify(typeof text === 'string' ? text : JSON.stringify(text));
}

/** The one statement that `run` sends. */
async function capture(run: (executor: SqlExecutor) => Promise<unknown>): Promise<pg.QueryConfig<unknown[]>> {
  const sent: pg.QueryConfig<unknown[]>[] = [];
  const capture = {
    query(statement: string | pg.QueryConfig<unknown[]>) {
      sent.push(typeof statement === 'string' ? { text: statement } : statement);
      return Promise.reject(new Error('captured'));
    },
  };
  await run(capture).catch(() => undefined);
  const [statement] = sent;
  if (statement === undefined || sent.length > 1) throw new Error(`${sent.length} statements were sent`);
  return statement;
}

function toPlan(rows: Record<string, [{ Plan: RawNode; 'Execution Time': number }]>[]): Plan {
  const [{ Plan: plan, 'Execution Time': durationMs }] = rows[0]!['QUERY PLAN']!;
  return { nodes: flatten(plan), durationMs };
}

function flatten(node: RawNode): PlanNode[] {
  const rows = node['Actual Rows'] * node['Actual Loops'] + countRemoved(node);
  return [
    {
      type: node['Node Type'],
      table: node['Relation Name'] ?? null,
      index: node['Index Name'] ?? null,
      rows,
    },
    ...(node.Plans ?? []).flatMap(flatten),
  ];
}

/** The least it can have been: PostgreSQL shows the mean of all loops, in whole rows. */
function countRemoved({ 'Rows Removed by Filter': shown = 0, 'Actual Loops': loops }: RawNode): number {
  return loops === 1 ? shown : Math.max(shown - 0.5, 0) * loops;
}
