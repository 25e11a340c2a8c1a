import type pg from 'pg';

/**
 * Keeps a process alive that loses connections of this pool. An error event that nobody listens to ends the process, and
 * the pool listens to idle connections only: one that is lost between two statements, or under a statement of a client that
 * was taken out of the pool, would end it. Whoever has that one is told by its statement, or by its next.
 *
 * @param onIdleLost told of connections lost while nobody used them
 */
export function surviveLostConnections(pool: pg.Pool, onIdleLost: (error: Error) => void): void {
  pool.on('error', onIdleLost);
  pool.on('connect', (client) => client.on('error', () => undefined));
}
