import pg from 'pg';

/** A session that has taken a lock and was forgotten. */
export interface HeldLock {
  /** How many rows were locked. */
  readonly rows: number;
  /** Ends its transaction, and it. */
  letGo(): Promise<void>;
}

/** Takes what the statement locks and keeps it, in a transaction in which nothing happens any more. */
async function holdLock(
  databaseUrl: string,
  statement: string,
  values: readonly unknown[] = [],
): Promise<HeldLock> {
  const client = new pg.Client({ connectionString: databaseUrl, application_name: 'forgotten' });
  // Cut together with all others by what else is done to the server.
  client.on('error', () => undefined);
  await client.connect();
  await client.query('begin');
  const { rowCount } = await client.query(statement, [...values]);
  return { rows: rowCount ?? 0, letGo: () => client.end() };
}

/** Whoever wants to change one of the newest orders that have not ended waits. */
export function holdNewestOrders(databaseUrl: string, count: number): Promise<HeldLock> {
  return holdLock(
    databaseUrl,
    `select 1 from orders where status not in ('completed', 'cancelled') order by id desc limit $1 for update`,
    [count],
  );
}

/** Nobody reads or writes a delivery: each request and each attempt soon has a connection, and waits with it. */
export function holdDeliveries(databaseUrl: string): Promise<HeldLock> {
  return holdLock(databaseUrl, 'lock table deliveries in access exclusive mode');
}
