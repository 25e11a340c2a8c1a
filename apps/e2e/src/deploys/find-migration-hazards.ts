/**
 * What a migration may do to those who work on the database meanwhile: processes of the version before, which run until
 * they are replaced. It is told from the words of its statements; what is not known to be harmless is a hazard, too.
 *
 * It cannot tell whether the version before writes what a new constraint accepts, or reads what the new version writes:
 * whoever adds a constraint says why that is so.
 */
import { splitStatements } from '@vendor-server/platform/database/migrations/split-statements.ts';

export type HazardKind =
  /** Takes away or renames what the version before uses: for contracts alone. */
  | 'breaks'
  /** Forbids what the version before may write, or allows what it may not be able to read. */
  | 'restricts'
  /** Keeps others out for as long as it takes to look at every row. */
  | 'blocks'
  /** None of the statements that are known. */
  | 'unknown';

export interface Hazard {
  readonly kind: HazardKind;
  readonly statement: string;
}

/** Hazards that a migration may be, each with the reason it gives why that can be borne. */
const ACCEPTANCE = /^-- Accepted \((restricts|blocks|unknown)\): (?=.{20})/gm;

/** @returns what the migration neither may do nor says a reason for */
export function findUnexplainedHazards({ name, sql }: { name: string; sql: string }): Hazard[] {
  const accepted = new Set(Array.from(sql.matchAll(ACCEPTANCE), ([, kind]) => kind));
  const isContract = /_needs_\d{14}$/.test(name);
  return findHazards(sql).filter(({ kind }) => !accepted.has(kind) && !(isContract && kind === 'breaks'));
}

export function findHazards(sql: string): Hazard[] {
  const statements = splitStatements(sql).map((statement) =>
    statement.toLowerCase().replaceAll('"', '').replaceAll(/\s+/g, ' '),
  );
  // Nobody uses what there was not.
  const isNew = (table: string | undefined) =>
    statements.some((statement) => readCreatedTable(statement) === table && table !== undefined);
  return statements.flatMap((statement) => {
    const kinds = new Set(judge(statement, isNew));
    if (statements.some((other) => validatesOwn(other, statement))) kinds.add('blocks');
    return [...kinds].map((kind) => ({ kind, statement }));
  });
}

const readCreatedTable = (statement: string) => /^create table (?:if not exists )?(\w+)/.exec(statement)?.[1];

/** Under the lock of the transaction that adds it, a constraint is validated with everybody outside. */
function validatesOwn(validating: string, adding: string): boolean {
  const validated = /validate constraint (\w+)/.exec(validating)?.[1];
  return validated !== undefined && new RegExp(`add constraint ${validated}\\b`).test(adding);
}

type IsNew = (table: string | undefined) => boolean;

const HARMLESS = /^(?:create (?:table|sequence|type|function|extension)|comment on) /;
const DROPS = /^(?:drop (?:table|view|materialized view|function|sequence|type|schema)|truncate) /;
/** What `on conflict` finds and what errors are told apart by: names that Prisma gives to unique indexes. */
const UNIQUE_NAME = /_p?key$/;

function judge(statement: string, isNew: IsNew): HazardKind[] {
  const [, table, actions] = /^alter table (?:if exists )?(?:only )?(\w+) (.*)$/.exec(statement) ?? [];
  if (actions !== undefined) return isNew(table) ? [] : splitActions(actions).flatMap(judgeAction);
  const [, unique, concurrently, indexed] =
    /^create (unique )?index (concurrently )?(?:if not exists )?\w+ on (?:only )?(\w+)/.exec(statement) ?? [];
  if (indexed !== undefined) {
    if (isNew(indexed)) return [];
    return [
      ...(unique === undefined ? [] : ['restricts' as const]),
      ...(concurrently === undefined ? ['blocks' as const] : []),
    ];
  }
  const [, dropped] = /^drop index (?:concurrently )?(?:if exists )?(\w+)$/.exec(statement) ?? [];
  if (dropped !== undefined) return UNIQUE_NAME.test(dropped) ? ['breaks'] : [];
  const [, written] = /^(?:insert into|update|delete from) (\w+)/.exec(statement) ?? [];
  if (written !== undefined) return isNew(written) ? [] : ['blocks'];
  if (DROPS.test(statement)) return ['breaks'];
  if (/^alter \w+ .* rename /.test(statement)) return ['breaks'];
  return HARMLESS.test(statement) ? [] : ['unknown'];
}

/** Defaults that are made for each row, and columns that are computed from others: the table is written anew. */
const WRITTEN_ANEW = /\b(?:clock_timestamp|random|gen_random_uuid|nextval|new_id)\(|serial\b|\bstored\b/;

function judgeAction(action: string): HazardKind[] {
  if (action.startsWith('rename ')) return ['breaks'];
  if (action.startsWith('validate constraint ')) return [];
  const [, constraint] = /^drop constraint (?:if exists )?(\w+)/.exec(action) ?? [];
  if (constraint !== undefined) return UNIQUE_NAME.test(constraint) ? ['breaks'] : [];
  if (action.startsWith('drop ')) return ['breaks'];
  if (/^add constraint .*\bnot valid$/.test(action)) return ['restricts'];
  if (/^add (?:constraint|check|unique|primary key|foreign key|exclude)\b/.test(action))
    return ['restricts', 'blocks'];
  if (action.startsWith('add ')) return judgeNewColumn(action);
  if (/^alter (?:column )?\w+ (?:set data )?type /.test(action)) return ['breaks', 'blocks'];
  if (/^alter (?:column )?\w+ set not null/.test(action)) return ['breaks', 'blocks'];
  if (/^alter (?:column )?\w+ drop default/.test(action)) return ['breaks'];
  if (/^alter (?:column )?\w+ drop not null/.test(action)) return ['restricts'];
  if (/^alter (?:column )?\w+ set (?:default|statistics|storage) /.test(action)) return [];
  return ['unknown'];
}

function judgeNewColumn(action: string): HazardKind[] {
  const isFilled = /\bdefault\b|\bgenerated\b|serial\b/.test(action);
  return [
    ...(/\bnot null\b/.test(action) && !isFilled ? ['breaks' as const] : []),
    ...(/\b(?:check|unique|primary key|references)\b/.test(action)
      ? ['restricts' as const, 'blocks' as const]
      : []),
    ...(WRITTEN_ANEW.test(action) ? ['blocks' as const] : []),
  ];
}

/** At the commas that stand in no parentheses. */
function splitActions(actions: string): string[] {
  let depth = 0;
  const separated = Array.from(actions, (character) => {
    if (character === '(') depth += 1;
    if (character === ')') depth -= 1;
    return character === ',' && depth === 0 ? ';' : character;
  }).join('');
  return separated.split(';').map((action) => action.trim());
}
