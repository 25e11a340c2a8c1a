import { runCheck } from '@vendor-server/platform/health/run-check.ts';
import type { Routes } from '../app-deps.ts';

/** `/livez` and `/readyz`, for whoever runs the process; without credentials. */
export const healthRoutes: Routes = async (app, { database, queue }) => {
  app.get('/livez', async () => ({ status: 'up' }));

  // Without its queue the API still takes changes, and the relay delivers them later: not a reason to take it
  // out of service.
  app.get('/readyz', async (_request, reply) => {
    const [databaseCheck, queueCheck] = await Promise.all([
      runCheck(() => database.pool.query('select 1')),
      runCheck(() => queue.ping()),
    ]);
    return reply
      .code(databaseCheck === 'up' ? 200 : 503)
      .send({ status: databaseCheck, checks: { database: databaseCheck, queue: queueCheck } });
  });
};
