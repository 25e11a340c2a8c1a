import type { Vendor } from '@vendor-server/platform/generated/prisma/client.ts';
import type { Routes } from '../app-deps.ts';
import { ApiError } from '../errors/api-error.ts';
import { requireVendor } from '../plugins/authentication.ts';
import { setPresence } from './presence-sql.ts';
import { getVendorMeReference, setPresenceReference, updateVendorMeReference } from './reference.ts';
import { toVendorResource } from './to-vendor-resource.ts';
import { findVendor, updateVendor } from './vendor-queries.ts';
import { PresenceBody, VendorPatchBody } from './vendor-schemas.ts';

/** `/api/vendor/me` and `/api/vendor/presence`: what a vendor says about itself. */
export const vendorMeRoutes: Routes = async (app, deps) => {
  const { pool, prisma } = deps.database;
  app.addHook('onRequest', requireVendor(deps));

  app.get('/me', { config: { reference: getVendorMeReference } }, async (request) =>
    answer(await findVendor(prisma, request.vendor.id)),
  );

  app.patch(
    '/me',
    { schema: { body: VendorPatchBody }, config: { reference: updateVendorMeReference } },
    async (request) => {
      const vendorId = request.vendor.id;
      const vendor = await updateVendor(prisma, vendorId, request.body);
      deps.offerEvents.publish({ kind: 'vendor', vendorId });
      return answer(vendor);
    },
  );

  app.put(
    '/presence',
    { schema: { body: PresenceBody }, config: { reference: setPresenceReference } },
    async (request) => {
      const vendorId = request.vendor.id;
      const { online, location } = request.body;
      await setPresence(pool, vendorId, { online, location: location ?? null });
      deps.offerEvents.publish({ kind: 'vendor', vendorId });
      return answer(await findVendor(prisma, vendorId));
    },
  );
};

/** A vendor that is gone since its key was checked has no valid key any more. */
function answer(vendor: Vendor | null) {
  if (vendor === null) throw new ApiError('unauthorized');
  return { ok: true, data: toVendorResource(vendor, new Date()) };
}
