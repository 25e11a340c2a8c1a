import pg from 'pg';
import type { System } from './create-system.ts';
import { createTcpProxy } from './create-tcp-proxy.ts';

/** Lets a test make the queue take nothing and answer nothing, as an API sees it. */
export interface QueueSwitch {
  /** Settings of the API that is to see it. */
  readonly env: Readonly<Record<string, string>>;
  hang(): Promise<void>;
  /** What was swallowed arrives now. */
  resume(): Promise<void>;
  /** As `resume`, but what was swallowed is gone. */
  loseAndResume(): Promise<void>;
  close(): Promise<void>;
}

/** @param redisUrl null: the queue lives in PostgreSQL, where everybody sees it hang, workers included */
export async function createQueueSwitch(
  { databaseUrl }: Pick<System, 'databaseUrl'>,
  redisUrl: string | null,
): Promise<QueueSwitch> {
  if (redisUrl === null) {
    const locker = new pg.Client({ connectionString: databaseUrl });
    await locker.connect();
    return {
      env: {},
      hang: async () => void (await locker.query('begin; lock table bullmq.job in access exclusive mode')),
      resume: async () => void (await locker.query('rollback')),
      async loseAndResume() {
        // A statement that waits for a lock goes on without the client that sent it.
        await locker.query(
          `select pg_terminate_backend(pid) from pg_stat_activity
            where datname = current_database() and wait_event_type = 'Lock' and query like '%add_job%'`,
        );
        await locker.query('rollback');
      },
      close: () => locker.end(),
    };
  }
  const proxy = await createTcpProxy(redisUrl);
  return {
    env: { REDIS_URL: proxy.url },
    hang: async () => proxy.hang(),
    resume: () => proxy.restore(),
    async loseAndResume() {
      await proxy.cut();
      await proxy.restore();
    },
    close: () => proxy.close(),
  };
}
