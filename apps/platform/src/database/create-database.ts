import { createHash } from 'node:crypto';
import { PrismaPg } from '@prisma/adapter-pg';
import pg from 'pg';
import type { Logger } from 'pino';
import { PrismaClient } from '../generated/prisma/client.ts';
import { surviveLostConnections } from './survive-lost-connections.ts';

/** One pool of connections, and the two ways to use it: Prisma, and hand-written SQL through `pool`. */
export type Database = {
  pool: pg.Pool;
  prisma: PrismaClient;
  /** Waits until every borrowed connection is back, then closes them all. May be called more than once. */
  close(): Promise<void>;
};

export type DatabaseOptions = {
  /** `postgresql://user:password@host:port/database` */
  url: string;
  /** Shown in `pg_stat_activity`, so that an operator sees whose connection it is. */
  applicationName: string;
  maxConnections: number;
  /** Each statement is one for an index, walked in its order: true for a process whose statements all are. */
  walksIndexes?: boolean;
  /** Each statement has one plan, whatever its values: true where none is made of what is asked for. */
  plansOnce?: boolean;
  /** Told of connections lost while nobody used them; whoever used one gets the error itself. */
  logger?: Pick<Logger, 'warn'>;
};

/** For a new connection, and for one to become free: a caller is told 503 rather than kept waiting. */
const CONNECT_TIMEOUT_MS = 5_000;
/** Enforced by the server. Far above the slowest statement, and below what a caller waits for an answer. */
const STATEMENT_TIMEOUT_MS = 15_000;
/** A transaction whose process hangs lets go of its locks after this long. */
const IDLE_IN_TRANSACTION_TIMEOUT_MS = 10_000;
/** Enforced here, for when the server's answer never comes; later than its own time-out so that that one wins. */
const QUERY_TIMEOUT_MS = STATEMENT_TIMEOUT_MS + 5_000;
/** Prisma's own wait for a connection is longer than the pool's, whose error says what happened. */
const PRISMA_MAX_WAIT_MS = CONNECT_TIMEOUT_MS + 1_000;

/**
 * Every session reckons in UTC: Prisma sends and reads times without looking at their offset, so that in any
 * other zone each would be wrong by it. And statements run read committed, which the ordering of deliveries
 * rests on ("commit, then look": the look must see what committed before it), whatever the server's default.
 */
const SESSION_SETUP =
  "set time zone 'UTC'; set session characteristics as transaction isolation level read committed";

/**
 * PostgreSQL knows of a backlog that came within minutes what its statistics said before: next to nothing. Then it
 * takes it for cheaper to read all that waits and to sort it than to walk an index as far as a limit goes: 400 ms
 * with 150 000 blocked deliveries, each second, on a processor that healthy deliveries wait for.
 */
const WALK_INDEXES = 'set enable_seqscan = off; set enable_bitmapscan = off';

/**
 * Otherwise a connection plans a statement anew for the first five values it sees, to compare; and again when a table was
 * analyzed. A statement for many deliveries takes 10 ms to plan, several times what it takes to run. Said as the connection
 * opens: a setting of the session would reach other pools' statements behind a pooler.
 */
const PLAN_ONCE = { options: '-c plan_cache_mode=force_generic_plan' };

/** Distinct statements that Prisma may prepare on each connection; later ones go unprepared. */
const MAX_PREPARED_STATEMENTS = 500;

/**
 * Opens nothing yet: the first query connects.
 *
 * int8 columns arrive as numbers and throw above 2^53 (counts, `seq` and `feed_position` stay far below);
 * numeric ones stay strings; timestamptz become Dates, cut to milliseconds. That is for hand-written SQL:
 * Prisma maps its own (BigInt, Decimal, Date).
 *
 * A failed `pool.query` costs the pool its connection (pg-pool destroys it on any error, constraint violations
 * included), so statements that expect conflicts say `on conflict` or run in a transaction.
 */
export function createDatabase({
  url,
  applicationName,
  maxConnections,
  walksIndexes = false,
  plansOnce = false,
  logger,
}: DatabaseOptions): Database {
  const setup = walksIndexes ? `${SESSION_SETUP}; ${WALK_INDEXES}` : SESSION_SETUP;
  const pool = new pg.Pool({
    connectionString: url,
    application_name: applicationName,
    ...(plansOnce && PLAN_ONCE),
    max: maxConnections,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    idleTimeoutMillis: 30_000,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    query_timeout: QUERY_TIMEOUT_MS,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_TIMEOUT_MS,
    keepAlive: true,
    types: { getTypeParser },
    // Before a new connection is handed out.
    verify: (client, done) => client.query(setup, (error) => done(error)),
  });
  surviveLostConnections(pool, (error) => logger?.warn({ err: error }, 'Idle database connection lost'));

  const prisma = new PrismaClient({
    adapter: new PrismaPg(pool, { statementNameGenerator: createStatementNamer() }),
    errorFormat: 'minimal',
    transactionOptions: { maxWait: PRISMA_MAX_WAIT_MS, timeout: STATEMENT_TIMEOUT_MS },
  });

  let closing: Promise<void> | null = null;
  return {
    pool,
    prisma,
    close() {
      closing ??= prisma.$disconnect().then(() => pool.end());
      return closing;
    },
  };
}

/** Parses int8 as a number, everything else as pg does. Set per pool: a global parser would reach Prisma. */
const getTypeParser = (typeId: number, format?: 'text' | 'binary'): unknown =>
  typeId === pg.types.builtins.INT8 && format !== 'binary'
    ? toSafeInteger
    : pg.types.getTypeParser(typeId, format);

function toSafeInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value))
    throw new RangeError(`int8 value ${text} does not fit a JavaScript number`);
  return value;
}

/**
 * Names Prisma's statements by their text, so that each is parsed and planned once a connection. Bounded,
 * because lists and optional filters make new texts without end and a session never forgets a prepared one.
 */
function createStatementNamer(): (query: { sql: string; args: unknown[] }) => string {
  const names = new Map<string, string>();
  return ({ sql, args }) => {
    const known = names.get(sql);
    if (known !== undefined) return known;
    // An empty name means unprepared. Without arguments it is `BEGIN` or the like: nothing to plan.
    if (args.length === 0 || names.size >= MAX_PREPARED_STATEMENTS) return '';
    const name = `prisma_${createHash('sha256').update(sql).digest('hex').slice(0, 32)}`;
    names.set(sql, name);
    return name;
  };
}
