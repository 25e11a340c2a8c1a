import { createId } from '@vendor-server/platform/ids/create-id.ts';
import type { TestApi, TestVendor } from '../create-test-api.ts';
import { buildServiceOrder } from '../sample-bodies.ts';

/** What a path, a query or a body may name, by the name of the parameter or field. */
export const OBJECT_KINDS = [
  'orderId',
  'deliveryId',
  'endpointId',
  'replayId',
  'customerServerId',
  'vendorId',
] as const;
export type ObjectKind = (typeof OBJECT_KINDS)[number];

/** A customer server and a vendor with something of everything that belongs to one. */
export interface Tenant {
  readonly server: { readonly id: string; readonly secret: string; readonly headers: Record<string, string> };
  readonly vendor: TestVendor;
  /** In different states: what is gone must be as hidden as what is there. The first is the one to act on. */
  readonly ids: Readonly<Record<ObjectKind, readonly string[]>>;
  /** The URL of its endpoint that is open. */
  readonly endpointUrl: string;
  /** The key with which its first order was created. */
  readonly idempotencyKey: string;
  /** Everything that only this tenant may see: ids, secrets, and a mark that all of its texts hold. */
  readonly ownTexts: readonly string[];
}

/** @param mark part of each of its texts */
export async function addTenant(api: TestApi, mark: string): Promise<Tenant> {
  const { pool } = api.database;
  const endpointUrl = `http://127.0.0.1:4000/${mark}`;
  const server = await api.addCustomerServer(endpointUrl);
  const vendor = await api.addVendor({ services: [`${mark}-service`] });
  await pool.query('update customer_servers set name = $2 where id = $1', [server.id, `${mark} server`]);
  await pool.query('update vendors set vendor_name = $2, mobile = $2, business_address = $2 where id = $1', [
    vendor.id,
    `${mark} vendor`,
  ]);

  async function ask(url: string, headers: Record<string, string>, payload: object = {}) {
    const answer = await api.app.inject({ method: 'POST', url, headers, payload });
    if (answer.statusCode >= 300) throw new Error(`${url}: ${answer.statusCode} ${answer.body}`);
    return answer.json().data as Record<string, string>;
  }
  const external = (path: string, payload?: object, headers: Record<string, string> = {}) =>
    ask(`/api/external${path}`, { ...server.headers, ...headers }, payload);

  const idempotencyKey = `${mark}-${createId()}`;
  const order = buildServiceOrder({
    customerId: `${mark}-customer`,
    customerName: `${mark} name`,
    customerAddress: `${mark} address`,
    description: `${mark} description`,
    workType: `${mark}-service`,
  });
  const held = await external('/orders', order, { 'idempotency-key': idempotencyKey });
  await ask(`/api/vendor/orders/${held['orderId']}/accept`, vendor.headers);
  const offered = await external('/orders', order);
  const cancelled = await external('/orders', order);
  await external(`/orders/${cancelled['orderId']}/cancel`, { reason: `${mark} reason` });

  const endpoints = await Promise.all(
    ['paused', 'disabled', 'deleted'].map((name) =>
      external('/webhook-endpoints', { url: `${endpointUrl}-${name}` }),
    ),
  );
  const [paused, disabled, deleted] = endpoints.map((each) => each['endpointId'] ?? '');
  await pool.query(
    `update webhook_endpoints set state = case id when $1 then 'paused' when $2 then 'disabled' else state end,
            state_reason = $4, last_failure_reason = $4, deleted_at = case id when $3 then now() end
      where id in ($1, $2, $3)`,
    [paused, disabled, deleted, `${mark} reason`],
  );
  await endDeliveries(api, server.id, mark);
  const replay = await external('/deliveries/replay', { since: '2026-01-01T00:00:00.000Z' });

  const select = async (text: string) =>
    (await pool.query(text, [server.id])).rows.map(({ id }) => id as string);
  const ids = {
    orderId: [held, offered, cancelled].map(({ orderId = '' }) => orderId),
    deliveryId: await select('select id from deliveries where customer_server_id = $1 order by id'),
    endpointId: await select(
      'select id from webhook_endpoints where customer_server_id = $1 order by deleted_at nulls first, id',
    ),
    replayId: [replay['replayId'] ?? ''],
    customerServerId: [server.id],
    vendorId: [vendor.id],
  };
  const secrets = [server.secret, vendor.headers['authorization']?.slice('Bearer '.length) ?? ''];
  return {
    server,
    vendor,
    ids,
    endpointUrl,
    idempotencyKey,
    ownTexts: [
      mark,
      ...Object.values(ids).flat(),
      ...secrets,
      ...endpoints.map((each) => each['signingSecret'] ?? ''),
    ],
  };
}

/** Of its deliveries the oldest is delivered after one attempt and the next has failed; the others stay open. */
async function endDeliveries(api: TestApi, customerServerId: string, mark: string): Promise<void> {
  await api.database.pool.query(
    `with numbered as (
       select id, row_number() over (order by id) as n from deliveries where customer_server_id = $1
     ), ended as (
       update deliveries d
          set state = case n when 1 then 'delivered' else 'failed' end, job_due_at = null, finished_at = now(),
              attempt_count = 1, last_error = $2
         from numbered where numbered.id = d.id and n <= 2 returning d.id
     )
     insert into delivery_attempts (delivery_id, attempt_number, trigger, claim_token, ended_at, duration_ms, outcome,
                                    response_status, response_excerpt)
     select id, 1, 'first', id, now(), 5, 'acknowledged', 200, $2 from ended`,
    [customerServerId, `${mark} answer`],
  );
}
