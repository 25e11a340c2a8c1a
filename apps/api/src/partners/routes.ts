import type { Routes } from '../app-deps.ts';
import { ApiError } from '../errors/api-error.ts';
import { requirePartner } from '../plugins/authentication.ts';
import { toChangeContext } from '../plugins/change-context.ts';
import { parseVendorUpdate } from './parse-vendor-update.ts';
import { vendorUpdateReference } from './reference.ts';
import { reportVendorUpdate } from './report-vendor-update.ts';

/** `/api/external/vendor-update`: partner systems report what their vendors do. */
export const partnerRoutes: Routes = async (app, deps) => {
  app.addHook('onRequest', requirePartner(deps));

  app.post(
    '/vendor-update',
    { config: { validationSentence: 'validation error', reference: vendorUpdateReference } },
    async (request) => {
      const { update, details } = parseVendorUpdate((request.body ?? {}) as Record<string, unknown>);
      if (!update) throw new ApiError('validation_failed', { details });
      return reportVendorUpdate(deps, update, toChangeContext(request));
    },
  );
};
