import type pg from 'pg';
import type { SqlExecutor } from '../database/sql-executor.ts';

/** One node of a plan that was run. */
export interface PlanNode {
  readonly type: string;
  /** The table it reads, if it does. */
  readonly table: string | null;
  readonly index: string | null;
  /** Rows it gave and rows it threw away, over all its loops. */
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
  const { rows } = await executor.query(`explain (analyze, format json) ${statement.text}`, statement.values);
  const [{ Plan: plan, 'Execution Time': durationMs }] = rows[0]!['QUERY PLAN'];
  return { nodes: flatten(plan), durationMs };
}

function flatten(node: RawNode): PlanNode[] {
  const rows = (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0)) * node['Actual Loops'];
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
