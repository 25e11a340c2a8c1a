import pg from 'pg';
import { onTestFinished } from 'vitest';

/**
 * One party of an interleaving: a connection of its own, so that a test can send its statements one at a time
 * and see which of them wait for somebody else's transaction.
 */
export interface Party {
  readonly name: string;
  readonly client: pg.Client;
  begin(): Promise<void>;
  commit(): Promise<void>;
  /** Whether the statement it has sent waits for a lock that somebody else holds. */
  isBlocked(): Promise<boolean>;
}

export type CreateParty = (name: string) => Promise<Party>;

/** Gives parties on one database. Their connections are closed when the test that made them ends. */
export async function createStage(url: string): Promise<CreateParty> {
  const observer = new pg.Pool({ connectionString: url, application_name: 'test observer', max: 2 });
  onTestFinished(() => observer.end());

  return async (name) => {
    const client = await connect(url, name);
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
    const pid = rows[0]?.pid;
    return {
      name,
      client,
      async begin() {
        await client.query('begin');
      },
      async commit() {
        await client.query('commit');
      },
      async isBlocked() {
        const seen = await observer.query<{ blocked: boolean }>(
          'select cardinality(pg_blocking_pids($1)) > 0 as blocked',
          [pid],
        );
        return seen.rows[0]?.blocked ?? false;
      },
    };
  };
}

async function connect(url: string, name: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url, application_name: `test ${name}` });
  await client.connect();
  onTestFinished(() => client.end());
  return client;
}
