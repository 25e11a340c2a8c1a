import type { Routes } from '../app-deps.ts';
import { createReadChecks } from './create-read-checks.ts';
import { livezReference, readyzReference } from './reference.ts';

/** `/livez` and `/readyz`, for whoever runs the process; without credentials. */
export const healthRoutes: Routes = async (app, deps) => {
  const readChecks = createReadChecks(deps);
  app.get('/livez', { config: { reference: livezReference, isAnsweredUnderLoad: true } }, async () => ({
    status: 'up',
  }));

  // Without its queue the API still takes changes, and the relay delivers them later: not a reason to take it
  // out of service.
  app.get(
    '/readyz',
    { config: { reference: readyzReference, isAnsweredUnderLoad: true } },
    async (_request, reply) => {
      const checks = await readChecks();
      return reply.code(checks.database === 'up' ? 200 : 503).send({ status: checks.database, checks });
    },
  );
};
