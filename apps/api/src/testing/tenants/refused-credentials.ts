import { createId } from '@vendor-server/platform/ids/create-id.ts';
import type { Audience } from '../../reference/route-reference.ts';
import { OPERATOR_KEY, PARTNER_SECRET, type TestApi } from '../create-test-api.ts';
import type { Tenant } from './add-tenant.ts';
import type { WalkedRoute } from './collect-routes.ts';

export interface Credential {
  readonly name: string;
  readonly headers: Record<string, string>;
  /** Where it is right; nowhere for what is wrong. */
  readonly audiences: readonly Audience[];
}

const SECRET_HEADERS = ['x-customer-secret', 'x-vendor-server-secret'] as const;

const bearer = (secret: string) => ({ authorization: `Bearer ${secret}` });
const basic = (user: string, secret: string) => ({
  authorization: `Basic ${Buffer.from(`${user}:${secret}`).toString('base64')}`,
});

/** One that is right for each audience. */
export function rightCredentials({ server, vendor }: Tenant): Credential[] {
  return [
    { name: 'a customer server', headers: server.headers, audiences: ['customer_server', 'webhook_tester'] },
    {
      name: 'a customer server by the other name',
      headers: { 'x-vendor-server-secret': server.secret },
      audiences: ['customer_server', 'webhook_tester'],
    },
    {
      name: 'a partner',
      headers: { 'x-vendor-secret': PARTNER_SECRET },
      audiences: ['partner', 'webhook_tester'],
    },
    { name: 'a vendor', headers: vendor.headers, audiences: ['vendor'] },
    { name: 'an operator', headers: bearer(OPERATOR_KEY), audiences: ['operator'] },
    { name: 'an operator in a browser', headers: basic('admin', OPERATOR_KEY), audiences: ['operator'] },
  ];
}

/** What opens nothing, whoever asks: none at all, one that was right once, and what is not well formed. */
export async function wrongCredentials(api: TestApi, tenant: Tenant): Promise<Credential[]> {
  const { secret } = tenant.server;
  const vendorKey = tenant.vendor.headers['authorization']?.slice('Bearer '.length) ?? '';
  const wrong = (name: string, headers: Record<string, string>): Credential => ({
    name,
    headers,
    audiences: [],
  });
  const values: [string, string][] = [
    ['an empty', ''],
    ['an 8 KiB long', 'x'.repeat(8_192)],
    ['a shouted', secret.toUpperCase() === secret ? secret.toLowerCase() : secret.toUpperCase()],
    ['a half', secret.slice(0, -1)],
    ['a doubled', `${secret},${secret}`],
    ['a secret with its header name as the', `x-customer-secret: ${secret}`],
    ['a Unicode', 'пароль-密码-🔑'],
    ['a Latin-1', 'é\u00ff'],
    ['a control character as the', 'a\u0001\u001b[0mb'],
    ['a quote as the', "' or ''='"],
    ['a text that reads as a list as the', '{"a":1}'],
  ];
  return [
    wrong('nothing', {}),
    ...(await expiredCredentials(api)),
    ...values.flatMap(([name, value]) => [
      ...SECRET_HEADERS.map((header) => wrong(`${name} ${header}`, { [header]: value })),
      wrong(`${name} x-vendor-secret`, { 'x-vendor-secret': value }),
      wrong(`${name} bearer token`, bearer(value)),
      wrong(`${name} password`, basic('admin', value)),
    ]),
    ...['', 'root', 'ADMIN', 'admin:admin'].map((user) =>
      wrong(`the operator's key of the user "${user}"`, basic(user, OPERATOR_KEY)),
    ),
    wrong('the key without a scheme', { authorization: OPERATOR_KEY }),
    wrong('another scheme', { authorization: `Digest ${OPERATOR_KEY}` }),
    wrong('a scheme without a key', { authorization: 'Bearer ' }),
    wrong('base64 that is none', { authorization: 'Basic !!!' }),
    wrong("a vendor's key as a password", basic('admin', vendorKey)),
    wrong("a vendor's key without a scheme", { authorization: vendorKey }),
    // Right ones where they do not belong.
    wrong("a customer server's secret as a bearer token", bearer(secret)),
    wrong("a customer server's secret as a partner's", { 'x-vendor-secret': secret }),
    wrong("a partner's secret as a customer server's", { 'x-customer-secret': PARTNER_SECRET }),
    wrong("the operator's key as a customer server's secret", { 'x-customer-secret': OPERATOR_KEY }),
    wrong("a vendor's key as a customer server's secret", { 'x-vendor-server-secret': vendorKey }),
    wrong('a wrong secret before a right one', {
      'x-customer-secret': 'wrong',
      'x-vendor-server-secret': secret,
    }),
  ];
}

/** Each was right before: a secret past its overlap, one replaced without an overlap, a key that was rotated. */
async function expiredCredentials(api: TestApi): Promise<Credential[]> {
  const ask = async (url: string, payload: object) => {
    const answer = await api.app.inject({ method: 'POST', url, headers: api.operator, payload });
    if (answer.statusCode !== 200) throw new Error(`${url}: ${answer.statusCode} ${answer.body}`);
  };
  const [overlapped, replaced] = [await api.addCustomerServer(), await api.addCustomerServer()];
  await ask(`/api/admin/customer-servers/${overlapped.id}/rotate-secret`, { overlapHours: 1 });
  await api.database.pool.query(
    `update customer_servers set secret_overlap_until = now() - interval '1 millisecond' where id = $1`,
    [overlapped.id],
  );
  await ask(`/api/admin/customer-servers/${replaced.id}/rotate-secret`, { overlapHours: 0 });
  const vendor = await api.addVendor();
  await ask(`/api/admin/vendors/${vendor.id}/rotate-key`, {});
  return [
    { name: 'a secret past its overlap', headers: overlapped.headers, audiences: [] },
    { name: 'a secret that was replaced at once', headers: replaced.headers, audiences: [] },
    { name: "a vendor's key that was rotated", headers: vendor.headers, audiences: [] },
    { name: "an operator's key of before", headers: bearer(`test-admin-key-${createId()}`), audiences: [] },
  ];
}

/** What the contract lets a caller read who is refused (`error`), by audience and by whether it sent anything. */
const REFUSALS: Readonly<Record<Exclude<Audience, 'anyone'>, { missing: string; invalid: string }>> = {
  customer_server: {
    missing: 'Authentication required: Missing x-customer-secret header',
    invalid: 'Authentication failed: Invalid x-customer-secret',
  },
  partner: { missing: 'missing vendor secret', invalid: 'invalid vendor secret' },
  webhook_tester: { missing: 'missing vendor secret', invalid: 'invalid vendor secret' },
  vendor: {
    missing: 'Authentication required: Missing Authorization: Bearer header',
    invalid: 'Authentication failed: Invalid vendor API key',
  },
  operator: {
    missing: 'Authentication required: Missing Authorization header',
    invalid: 'Authentication failed: Invalid operator credential',
  },
};

/** The sentence that a refused caller reads. */
export function expectedRefusal(
  audience: Exclude<Audience, 'anyone'>,
  headers: Record<string, string>,
): string {
  return REFUSALS[audience][presents(audience, headers) ? 'invalid' : 'missing'];
}

/**
 * Whether the route must refuse it, and not merely because nobody looks where it stands. HEAD is a route's GET
 * once more: it is tried with what is right elsewhere.
 */
export function isWrongFor(
  { audience, method }: Pick<WalkedRoute, 'audience' | 'method'>,
  { audiences, headers }: Credential,
): boolean {
  if (audience === 'anyone' || audiences.includes(audience)) return false;
  if (audiences.length > 0 || Object.keys(headers).length === 0) return true;
  return method !== 'HEAD' && LOOKED_AT[audience].some((name) => name in headers);
}

const LOOKED_AT: Readonly<Record<Exclude<Audience, 'anyone'>, readonly string[]>> = {
  customer_server: SECRET_HEADERS,
  partner: ['x-vendor-secret'],
  webhook_tester: [...SECRET_HEADERS, 'x-vendor-secret'],
  vendor: ['authorization'],
  operator: ['authorization'],
};

/** An empty header is none, and so is `Authorization` with another scheme, or without anything after it. */
function presents(audience: Exclude<Audience, 'anyone'>, headers: Record<string, string>): boolean {
  return LOOKED_AT[audience].some((name) => {
    const value = headers[name] ?? '';
    return name === 'authorization' ? /^(bearer|basic) +\S+ *$/i.test(value) : value !== '';
  });
}
