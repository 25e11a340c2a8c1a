/**
 * What a database error means, whichever of the two ways to the database it came by.
 *
 * pg throws the server's error with its SQLSTATE as `code`, a socket error with its errno name as `code`, and
 * its own time-outs as plain errors that carry nothing but a message. Prisma wraps all three: the driver's
 * error sits in `meta.driverAdapterError` or `cause`, with the SQLSTATE as `originalCode`. Every predicate
 * here looks through those wrappers, so callers never ask which client made the call.
 */

/** Errors of the network, seen while connecting or in the middle of a query. */
const SOCKET_ERRORS = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
]);

/**
 * SQLSTATEs (besides class 08) of a server that exists and cannot serve us now: shutting down, crashed,
 * starting up, out of connections, or read-only because a failover left us on the old primary.
 */
const UNAVAILABLE_STATES = new Set(['57P01', '57P02', '57P03', '53300', '25006']);

/** Prisma's own codes for the same: unreachable, timed out, closed, no free connection, too many of them. */
const UNAVAILABLE_PRISMA_CODES = new Set(['P1001', 'P1002', 'P1008', 'P1017', 'P2024', 'P2037']);

/** Prisma's driver adapter replaces the error of a socket by one of these. */
const UNAVAILABLE_ADAPTER_KINDS = new Set([
  'DatabaseNotReachable',
  'ConnectionClosed',
  'SocketTimeout',
  'TooManyConnections',
]);

/** pg and pg-pool give these no code: the message is all there is. */
const UNAVAILABLE_MESSAGES = new Set([
  'timeout exceeded when trying to connect',
  'timeout expired',
  'Connection terminated',
  'Connection terminated unexpectedly',
  'Connection terminated due to connection timeout',
  'Client has encountered a connection error and is not queryable',
  'Client was closed and is not queryable',
  'Query read timeout',
  'Cannot use a pool after calling end on the pool',
]);

const SQLSTATE = /^[0-9A-Z]{5}$/;
const MAX_WRAPPERS = 5;

type Fields = Record<string, unknown>;

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null;
}

/** The error itself, then what it wraps, outermost first. */
function* unwrap(error: unknown): Generator<Fields> {
  let current: unknown = error;
  for (let depth = 0; depth < MAX_WRAPPERS && isFields(current); depth += 1) {
    yield current;
    const meta = current.meta;
    current =
      isFields(meta) && meta.driverAdapterError !== undefined ? meta.driverAdapterError : current.cause;
  }
}

/** The five-character SQLSTATE the server answered with, or null when the error is not the server's. */
export function sqlStateOf(error: unknown): string | null {
  for (const layer of unwrap(error)) {
    for (const code of [layer.originalCode, layer.code]) {
      // Prisma's own codes have five characters too ("P2002"); no SQLSTATE but PL/pgSQL's P0xxx begins with P.
      if (typeof code === 'string' && SQLSTATE.test(code) && !/^P[1-9]/.test(code)) {
        // "EPIPE" has five characters too; an errno name comes with the number.
        if (typeof layer.errno !== 'number') return code;
      }
    }
  }
  return null;
}

/** The name of the violated constraint or unique index, where the server gave it. */
function constraintOf(error: unknown): string | null {
  for (const layer of unwrap(error)) {
    if (typeof layer.constraint === 'string') return layer.constraint;
    if (isFields(layer.constraint) && typeof layer.constraint.index === 'string')
      return layer.constraint.index;
  }
  return null;
}

/**
 * A unique constraint or unique index was violated (SQLSTATE 23505, Prisma's P2002).
 * @param constraintName only this one, as named in the migration, e.g. `deliveries_lane_head_key`
 */
export function isUniqueViolation(error: unknown, constraintName?: string): boolean {
  if (sqlStateOf(error) !== '23505') return false;
  return constraintName === undefined || constraintOf(error) === constraintName;
}

/** A lock was not granted within `lock_timeout`, or at once under `nowait` (SQLSTATE 55P03). */
export function isLockTimeout(error: unknown): boolean {
  return sqlStateOf(error) === '55P03';
}

/** The server gave the statement up, as after `statement_timeout`; nothing of it took effect (SQLSTATE 57014). */
export function isStatementCancelled(error: unknown): boolean {
  return sqlStateOf(error) === '57014';
}

/** The transaction was the victim of a deadlock or of a serialization conflict: the same again may succeed. */
export function isTransientConflict(error: unknown): boolean {
  const state = sqlStateOf(error);
  return state === '40P01' || state === '40001';
}

/**
 * The database cannot be reached, or the connection was lost: nothing is wrong with the statement, and the
 * same may work in a moment. When it hits a `commit`, whether that took effect is unknown.
 */
export function isDatabaseUnavailable(error: unknown): boolean {
  const state = sqlStateOf(error);
  if (state !== null) return state.startsWith('08') || UNAVAILABLE_STATES.has(state);
  for (const layer of unwrap(error)) {
    if (typeof layer.code === 'string') {
      if (SOCKET_ERRORS.has(layer.code) || UNAVAILABLE_PRISMA_CODES.has(layer.code)) return true;
      // The unix socket of a server that is not running. Prisma keeps the message but not the `syscall`.
      if (layer.code === 'ENOENT' && String(layer.message).includes('connect ENOENT')) return true;
    }
    if (typeof layer.kind === 'string' && UNAVAILABLE_ADAPTER_KINDS.has(layer.kind)) return true;
    if (typeof layer.message === 'string' && UNAVAILABLE_MESSAGES.has(layer.message)) return true;
  }
  return false;
}
