import type { Vendor } from '@vendor-server/platform/generated/prisma/client.ts';
import type { Routes } from '../app-deps.ts';
import { ApiError } from '../errors/api-error.ts';
import { requireOperator } from '../plugins/authentication.ts';
import { toPageRequest } from '../plugins/paging.ts';
import { VendorParams } from '../schemas/common-schemas.ts';
import {
  createVendorReference,
  getVendorReference,
  listVendorsReference,
  rotateVendorKeyReference,
  updateVendorReference,
} from './admin-reference.ts';
import { createApiKey } from './create-api-key.ts';
import { toOperatorVendorResource } from './to-vendor-resource.ts';
import { findVendor, insertVendor, listVendors, replaceApiKey, updateVendor } from './vendor-queries.ts';
import { VendorCreateBody, VendorListQuery, VendorPatchBody } from './vendor-schemas.ts';

/** `/api/admin/vendors` */
export const adminVendorRoutes: Routes = async (app, deps) => {
  const { prisma } = deps.database;
  app.addHook('onRequest', requireOperator(deps));

  app.get(
    '/vendors',
    { schema: { querystring: VendorListQuery }, config: { reference: listVendorsReference } },
    async (request) => {
      const now = new Date();
      const page = await listVendors(prisma, toPageRequest(request.query));
      const data = page.items.map((vendor) => toOperatorVendorResource(vendor, now));
      return { ok: true, data, nextCursor: page.nextCursor };
    },
  );

  app.post(
    '/vendors',
    { schema: { body: VendorCreateBody }, config: { reference: createVendorReference } },
    async (request, reply) => {
      const apiKey = createApiKey();
      const vendor = await insertVendor(prisma, request.body, apiKey);
      return reply.code(201).send(answerWithKey(vendor, apiKey));
    },
  );

  app.get(
    '/vendors/:vendorId',
    { schema: { params: VendorParams }, config: { reference: getVendorReference } },
    async (request) => answer(await findVendor(prisma, request.params.vendorId)),
  );

  app.patch(
    '/vendors/:vendorId',
    { schema: { params: VendorParams, body: VendorPatchBody }, config: { reference: updateVendorReference } },
    async (request) => {
      const { vendorId } = request.params;
      const vendor = await updateVendor(prisma, vendorId, request.body);
      deps.offerEvents.publish({ kind: 'vendor', vendorId });
      return answer(vendor);
    },
  );

  app.post(
    '/vendors/:vendorId/rotate-key',
    { schema: { params: VendorParams }, config: { reference: rotateVendorKeyReference } },
    async (request) => {
      const { vendorId } = request.params;
      const apiKey = createApiKey();
      const vendor = await replaceApiKey(prisma, vendorId, apiKey);
      await deps.credentials.forget();
      deps.offerEvents.publish({ kind: 'vendor', vendorId });
      return answerWithKey(vendor, apiKey);
    },
  );
};

function answer(vendor: Vendor | null) {
  if (vendor === null) throw new ApiError('not_found');
  return { ok: true, data: toOperatorVendorResource(vendor, new Date()) };
}

/** The one time that the key is shown. */
function answerWithKey(vendor: Vendor | null, apiKey: string) {
  const { ok, data } = answer(vendor);
  return { ok, data: { ...data, apiKey } };
}
