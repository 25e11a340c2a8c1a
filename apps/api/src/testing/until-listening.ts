import type { Database } from '@vendor-server/platform/database/create-database.ts';
import { expect, vi } from 'vitest';

/** Until so many connections of that name listen. (They also ask for nothing, now and then, to see that they are there.) */
export async function untilListening(
  pool: Database['pool'],
  applicationName: string,
  connections: number,
): Promise<void> {
  // `expect.poll` is for tests alone, and this is for their stages, too.
  await vi.waitFor(
    async () => {
      const { rows } = await pool.query<{ count: number }>(
        `select count(*) from pg_stat_activity
          where datname = current_database() and application_name = $1
            and state = 'idle' and (query like 'listen %' or query = 'select 1')`,
        [applicationName],
      );
      expect(rows).toEqual([{ count: connections }]);
    },
    { timeout: 10_000, interval: 20 },
  );
}
