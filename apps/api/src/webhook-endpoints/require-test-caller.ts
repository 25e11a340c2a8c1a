import { hashSecret } from '@vendor-server/platform/secrets/hash-secret.ts';
import type { FastifyRequest } from 'fastify';
import type { AppDeps } from '../app-deps.ts';
import {
  assertIsPartner,
  INVALID_PARTNER_SECRET,
  readCustomerServerSecret,
} from '../plugins/authentication.ts';
import { refuseCredential, toCallerKey } from '../protection/rate-limits.ts';
import type { TestSubject } from './test-target-sql.ts';

export interface TestCaller {
  /** Whose tests count together. */
  readonly key: string;
  readonly subject: TestSubject;
  /** What a customer server proved itself with; null for a partner. */
  readonly presentedSecret: string | null;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by `requireTestCaller`. */
    testCaller: TestCaller;
  }
}

/**
 * A customer server with its secret under either name, or a partner with its own. Whoever is neither is told
 * so in the partner's words, which integrators of the webhook test match on.
 */
export function requireTestCaller(
  deps: Pick<AppDeps, 'credentials' | 'settings' | 'useCounter'>,
): (request: FastifyRequest) => Promise<void> {
  return async (request) => {
    const presentedSecret = readCustomerServerSecret(request);
    const customerServerId =
      presentedSecret === null
        ? null
        : await deps.credentials.findCustomerServerId(hashSecret(presentedSecret));
    if (customerServerId !== null) {
      request.customerServer = { id: customerServerId };
      request.testCaller = {
        key: toCallerKey({ kind: 'customer-server', id: customerServerId }),
        subject: { customerServerId },
        presentedSecret,
      };
      return;
    }
    // An empty header is none: beside one, a guess at a customer server's secret would not be counted.
    if (presentedSecret !== null && !request.headers['x-vendor-secret']) {
      throw refuseCredential(deps, request, { message: INVALID_PARTNER_SECRET });
    }
    assertIsPartner(deps, request);
    request.testCaller = { key: toCallerKey({ kind: 'partner' }), subject: 'default', presentedSecret: null };
  };
}
