/**
 * Who is calling. Each function makes an `onRequest` hook, so that a caller without a credential is told so
 * before its body is read, and nothing of it is looked at.
 *
 * Credentials of customer servers and vendors are found by their SHA-256: an index look-up tells nothing
 * about a secret that is not known. Those of the settings are compared in constant time.
 *
 * Here, and nowhere else, requests are counted against their caller's limit, and wrong credentials against
 * their address's.
 */

import { SYSTEM_ACTOR } from '@vendor-server/domain/orders/no-vendor.ts';
import {
  checkOperatorCredential,
  isOneOfSecrets,
  MISSING_OPERATOR_CREDENTIAL,
  OPERATOR_CHALLENGE,
  WRONG_OPERATOR_CREDENTIAL,
} from '@vendor-server/platform/secrets/check-operator-credential.ts';
import { hashSecret } from '@vendor-server/platform/secrets/hash-secret.ts';
import { readAuthorization } from '@vendor-server/platform/secrets/read-authorization.ts';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import type { AppDeps } from '../app-deps.ts';
import { ApiError } from '../errors/api-error.ts';
import { isCrossSite } from '../protection/is-cross-site.ts';
import { countRequest, refuseCredential } from '../protection/rate-limits.ts';
import { isOperatorName } from './is-operator-name.ts';

export interface CallingCustomerServer {
  readonly id: string;
}

export interface CallingVendor {
  readonly id: string;
  /** Of the key it presented. */
  readonly apiKeyHash: string;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by `requireCustomerServer`, and null on routes without it: reading it there is a mistake. */
    customerServer: CallingCustomerServer;
    /** Set by `requireVendor`. */
    vendor: CallingVendor;
    /** Set by `requireOperator`; the name is what `x-operator` said. */
    operator: { readonly name: string | null };
  }
}

type Require = (request: FastifyRequest, reply: FastifyReply) => Promise<void>;
type Deps = Pick<AppDeps, 'credentials' | 'settings' | 'useCounter'>;

const BEARER_CHALLENGE = 'Bearer realm="Vendor Server"';
const MISSING_CUSTOMER_SECRET = 'Authentication required: Missing x-customer-secret header';
export const INVALID_PARTNER_SECRET = 'invalid vendor secret';
const INVALID_CUSTOMER_SECRET = 'Authentication failed: Invalid x-customer-secret';

export const authentication = fp(async (app: FastifyInstance) => {
  app.decorateRequest('customerServer');
  app.decorateRequest('vendor');
  app.decorateRequest('operator');
});

/** `x-customer-secret` or `x-vendor-server-secret`: both names are in use by integrators. */
export function requireCustomerServer(deps: Deps): Require {
  return async (request, reply) => {
    const secret = readCustomerServerSecret(request);
    if (secret === null) throw new ApiError('unauthorized', { message: MISSING_CUSTOMER_SECRET });
    const id = await deps.credentials.findCustomerServerId(hashSecret(secret));
    if (id === null) throw refuseCredential(deps, request, { message: INVALID_CUSTOMER_SECRET });
    request.customerServer = { id };
    countRequest(deps, reply, { kind: 'customer-server', id });
  };
}

/** The secret a customer server presented under either name; null when it presented none. */
export function readCustomerServerSecret({ headers }: Pick<FastifyRequest, 'headers'>): string | null {
  for (const name of ['x-customer-secret', 'x-vendor-server-secret']) {
    const value = headers[name];
    if (typeof value === 'string' && value !== '') return value;
  }
  return null;
}

/** `x-vendor-secret` of the partner system that reports for vendors. */
export function requirePartner(deps: Deps): Require {
  return async (request, reply) => {
    assertIsPartner(deps, request);
    countRequest(deps, reply, { kind: 'partner' });
  };
}

/** @throws ApiError unless the request carries a partner's secret */
export function assertIsPartner(deps: Deps, request: FastifyRequest): void {
  const secret = request.headers['x-vendor-secret'];
  if (typeof secret !== 'string' || secret === '') {
    throw new ApiError('unauthorized', { message: 'missing vendor secret' });
  }
  if (!isOneOfSecrets(deps.settings.externalVendorSecrets, secret)) {
    throw refuseCredential(deps, request, { message: INVALID_PARTNER_SECRET });
  }
}

/** `Authorization: Bearer <vendor API key>` */
export function requireVendor(deps: Deps): Require {
  const challenge = { 'www-authenticate': BEARER_CHALLENGE };
  return async (request, reply) => {
    const given = readAuthorization(request.headers.authorization);
    if (given === null) {
      const message = 'Authentication required: Missing Authorization: Bearer header';
      throw new ApiError('unauthorized', { message, headers: challenge });
    }
    const apiKeyHash = hashSecret(given.secret);
    const id = given.scheme === 'bearer' ? await deps.credentials.findVendorId(apiKeyHash) : null;
    if (id === null) {
      const message = 'Authentication failed: Invalid vendor API key';
      throw refuseCredential(deps, request, { message, headers: challenge });
    }
    request.vendor = { id, apiKeyHash };
    countRequest(deps, reply, { kind: 'vendor', id });
  };
}

/**
 * `Authorization: Bearer <ADMIN_API_KEY>`, or in a browser HTTP Basic with the user `admin`.
 *
 * A browser sends the password that it remembers with whatever any page asks of this server: what would change
 * something is not believed then.
 */
export function requireOperator(deps: Deps): Require {
  const challenge = { 'www-authenticate': OPERATOR_CHALLENGE };
  return async (request, reply) => {
    const check = checkOperatorCredential(deps.settings, request.headers.authorization);
    if (check === 'missing') {
      throw new ApiError('unauthorized', { message: MISSING_OPERATOR_CREDENTIAL, headers: challenge });
    }
    if (check === 'wrong') {
      throw refuseCredential(deps, request, { message: WRONG_OPERATOR_CREDENTIAL, headers: challenge });
    }
    if (isChange(request) && isBasic(request) && isCrossSite(request)) {
      const message = 'A page of another site may not use the password that a browser remembers.';
      throw new ApiError('unauthorized', { message, headers: { 'www-authenticate': BEARER_CHALLENGE } });
    }
    countRequest(deps, reply, { kind: 'operator' });
    request.operator = { name: readOperatorName(request.headers['x-operator']) };
  };
}

function isChange({ method }: FastifyRequest): boolean {
  return method !== 'GET' && method !== 'HEAD';
}

function isBasic({ headers }: FastifyRequest): boolean {
  return readAuthorization(headers.authorization)?.scheme === 'basic';
}

function readOperatorName(header: string | string[] | undefined): string | null {
  if (typeof header !== 'string' || header === '') return null;
  // Node reads headers as Latin-1; names are sent in UTF-8.
  const name = Buffer.from(header, 'latin1').toString('utf8').trim();
  // What no person did is recorded under this name: see SYSTEM_ACTOR.
  if (isOperatorName(name) && name !== SYSTEM_ACTOR.id) return name;
  const details = ['header x-operator must be a name of at most 100 printable characters, not "system"'];
  throw new ApiError('validation_failed', { details });
}
