import type { Routes } from '../app-deps.ts';

/** A check that takes longer is a down: whoever asks has a time-out of its own. */
const CHECK_TIMEOUT_MS = 1_000;

type Check = 'up' | 'down';

/** `/livez` and `/readyz`, for whoever runs the process; without credentials. */
export const healthRoutes: Routes = async (app, { database, queue }) => {
  app.get('/livez', async () => ({ status: 'up' }));

  // Without its queue the API still takes changes, and the relay delivers them later: not a reason to take it
  // out of service.
  app.get('/readyz', async (_request, reply) => {
    const [databaseCheck, queueCheck] = await Promise.all([
      check(() => database.pool.query('select 1')),
      check(() => queue.ping()),
    ]);
    return reply
      .code(databaseCheck === 'up' ? 200 : 503)
      .send({ status: databaseCheck, checks: { database: databaseCheck, queue: queueCheck } });
  });
};

async function check(probe: () => Promise<unknown>): Promise<Check> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<Check>((resolve) => {
    timer = setTimeout(resolve, CHECK_TIMEOUT_MS, 'down');
  });
  const answer = probe().then(
    (): Check => 'up',
    (): Check => 'down',
  );
  const result = await Promise.race([answer, timeout]);
  clearTimeout(timer);
  return result;
}
