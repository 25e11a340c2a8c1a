import {
  completeSecretRotation,
  DEFAULT_OVERLAP_HOURS,
  rotateCustomerServerSecret,
} from '@vendor-server/platform/customer-servers/rotate-customer-server-secret.ts';
import { createSecret } from '@vendor-server/platform/secrets/create-secret.ts';
import type { Routes } from '../app-deps.ts';
import { ApiError } from '../errors/api-error.ts';
import { requireOperator } from '../plugins/authentication.ts';
import { CustomerServerParams } from '../schemas/common-schemas.ts';
import { RotateSecretBody } from './schemas.ts';
import {
  COMPLETE_CUSTOMER_SERVER_SECRET_ROTATION,
  ROTATE_CUSTOMER_SERVER_SECRET,
} from './secret-reference.ts';

/** `/api/admin/customer-servers/:customerServerId/rotate-secret` */
export const adminSecretRotationRoutes: Routes = async (app, deps) => {
  const { prisma } = deps.database;
  app.addHook('onRequest', requireOperator(deps));

  app.post(
    '/customer-servers/:customerServerId/rotate-secret',
    {
      schema: { params: CustomerServerParams, body: RotateSecretBody },
      config: { reference: ROTATE_CUSTOMER_SERVER_SECRET },
    },
    async ({ params: { customerServerId }, body: { overlapHours = DEFAULT_OVERLAP_HOURS } }) => {
      const secret = createSecret();
      const rotated = await rotateCustomerServerSecret(prisma, deps.secretBox, {
        customerServerId,
        secret,
        overlapHours,
      });
      await deps.credentials.forget();
      if (rotated === null) throw new ApiError('not_found');
      const overlapUntil = rotated.overlapUntil?.toISOString() ?? null;
      return { ok: true, data: { customerServerId, name: rotated.name, secret, overlapUntil } };
    },
  );

  app.post(
    '/customer-servers/:customerServerId/rotate-secret/complete',
    {
      schema: { params: CustomerServerParams },
      config: { reference: COMPLETE_CUSTOMER_SERVER_SECRET_ROTATION },
    },
    async ({ params: { customerServerId } }) => {
      const server = await completeSecretRotation(prisma, customerServerId);
      await deps.credentials.forget();
      if (server === null) throw new ApiError('not_found');
      return { ok: true, data: { customerServerId, name: server.name, overlapUntil: null } };
    },
  );
};
