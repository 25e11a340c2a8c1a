/** Everything that anybody does with a secret, right and wrong; gives every secret that there was, by what it is. */
import { randomBytes } from 'node:crypto';
import type { Receiver } from '../receiver/create-receiver.ts';
import type { ReceivedRequest } from '../receiver/received-request.ts';
import { respond, type Step } from '../receiver/steps.ts';
import { addCustomerServer, changeEndpoint } from '../system/add-customer-server.ts';
import { addVendor } from '../system/add-vendor.ts';
import { type Caller, createCaller } from '../system/create-caller.ts';
import { waitUntilEnded } from '../system/create-inbox.ts';
import type { ListeningProcess, System } from '../system/create-system.ts';
import { cancelOrder, createOrder } from '../system/walk-order.ts';

export interface UsedSecrets {
  /** Made by the system, and shown by it once. */
  readonly made: Readonly<Record<string, string>>;
  /** Wrong credentials and the like: shown never. */
  readonly given: Readonly<Record<string, string>>;
  /** Secrets that stand in URLs: an API shows a URL, nothing else does. */
  readonly inUrls: Readonly<Record<string, string>>;
  /** What the paths of the API need. */
  readonly ids: Readonly<Record<string, string>>;
  /** One of each kind. */
  readonly credentials: readonly Readonly<Record<string, string>>[];
}

const random = () => randomBytes(24).toString('base64url');
const SECRET_HEADERS = ['x-vendor-server-secret', 'webhook-signature'];

/** Answers with what it was sent, as a debugging receiver does, whole and then cut at 1 KiB in the midst of the secret. */
function echo(status: number, cutAt = 0.5): Step {
  return (answering) => {
    const { request } = answering;
    const head = SECRET_HEADERS.map((name) => request.header(name) ?? '');
    const secret = head[0] ?? '';
    const start = `{"path":${JSON.stringify(request.path)},"head":${JSON.stringify(head)},"encoded":"${Buffer.from(`user:${secret}`).toString('base64')}","padding":"`;
    const padding = 'x'.repeat(Math.max(0, 1_024 - Math.floor(secret.length * cutAt) - start.length - 10));
    const body = `${start}${padding}","again":"${secret}"}`;
    return respond(status, { headers: { 'x-echo': secret, location: `/?${secret}` }, body })(answering);
  };
}

/** What it was sent in place of an answer in HTTP. */
const speakNonsense: Step = ({ request, takeSocket }) => {
  takeSocket().end(`HTTP/9 ${request.header('x-vendor-server-secret')} ${request.path}\r\n\r\n`);
};

export async function useEverySecret(
  system: System,
  receiver: Receiver,
  processes: readonly ListeningProcess[],
): Promise<UsedSecrets> {
  const made: Record<string, string> = {};
  const given: Record<string, string> = {};
  const inUrls = {
    'path of a webhook URL': random(),
    'query of a webhook URL': random(),
    'tested URL': random(),
  };
  const url = receiver.url(
    `/echo/${inUrls['path of a webhook URL']}?token=${inUrls['query of a webhook URL']}`,
  );
  const isEcho = (request: ReceivedRequest) => request.path.startsWith('/echo/');

  const customerServer = await addCustomerServer(system, url);
  const { customerServerId, endpointId } = customerServer;
  await changeEndpoint(system, customerServer, { retryDelaysMs: [100, 100, 100] });
  made['customer server secret'] = customerServer.secret;
  made['signing secret'] = customerServer.signingSecret;
  receiver.answer(isEcho, echo(500), echo(429, 0.9), echo(503, 0.2), echo(200), speakNonsense, echo(302));
  await placeOrder(system, customerServer);

  const rotation = `/api/admin/customer-servers/${customerServerId}/rotate-secret`;
  const { secret } = await system.operator.ask<{ secret: string }>('POST', rotation, {});
  made['rotated customer server secret'] = secret;
  const rotated = createCaller(system.apiUrl, { 'x-vendor-server-secret': secret });
  receiver.answer(isEcho, echo(401), echo(200));
  const { orderId, deliveryId } = await placeOrder(system, rotated);
  await system.operator.ask('POST', `${rotation}/complete`);

  const created = await rotated.ask<{ endpointId: string; signingSecret: string }>(
    'POST',
    '/api/external/webhook-endpoints',
    { url, sendSharedSecret: true },
  );
  made['signing secret of a second endpoint'] = created.signingSecret;
  const renewed = await rotated.ask<{ signingSecret: string }>(
    'POST',
    `/api/external/webhook-endpoints/${created.endpointId}/rotate-secret`,
    {},
  );
  made['rotated signing secret'] = renewed.signingSecret;
  await placeOrder(system, rotated);

  for (const caller of [rotated, system.partner]) {
    for (const body of [
      {},
      { webhookUrl: url },
      { webhookUrl: receiver.url(`/echo/${inUrls['tested URL']}`) },
    ]) {
      await caller.call('POST', '/api/external/webhook-test', { body });
    }
  }
  given['password of a refused URL'] = random();
  const refused = `https://user:${given['password of a refused URL']}@customer.example.com/`;
  await rotated.call('POST', '/api/external/webhook-endpoints', { body: { url: refused } });
  await rotated.call('POST', '/api/external/webhook-test', { body: { webhookUrl: refused } });

  const vendor = await addVendor(system);
  const rekeyed = await system.operator.ask<{ apiKey: string }>(
    'POST',
    `/api/admin/vendors/${vendor.vendorId}/rotate-key`,
  );
  made['vendor API key'] = vendor.apiKey;
  made['rotated vendor API key'] = rekeyed.apiKey;
  const { replayId } = await rotated.ask<{ replayId: string }>('POST', '/api/external/deliveries/replay', {
    since: new Date(Date.now() - 3_600_000).toISOString(),
  });
  await presentWrongCredentials(system, processes, given);
  return {
    made,
    given,
    inUrls,
    ids: { orderId, deliveryId, endpointId, customerServerId, vendorId: vendor.vendorId, replayId },
    credentials: [
      { 'x-customer-secret': secret },
      { authorization: `Bearer ${rekeyed.apiKey}` },
      { authorization: `Bearer ${system.adminKey}` },
      { 'x-vendor-secret': system.secrets[1] ?? '' },
    ],
  };
}

/** An order that is cancelled again, with its webhooks. */
async function placeOrder(system: System, customerServer: Caller) {
  const orderId = await createOrder(customerServer);
  await cancelOrder(customerServer, orderId);
  const { endpoints } = await customerServer.ask<{ endpoints: unknown[] }>('GET', '/api/external/me');
  const deliveries = await waitUntilEnded(system.database, orderId, 2 * endpoints.length);
  return { orderId, deliveryId: deliveries[0]?.id ?? '' };
}

async function presentWrongCredentials(
  { apiUrl }: System,
  processes: readonly ListeningProcess[],
  given: Record<string, string>,
): Promise<void> {
  for (const name of ['x-customer-secret', 'x-vendor-server-secret', 'x-vendor-secret', 'cookie']) {
    const wrong = random();
    given[`wrong ${name}`] = wrong;
    for (const path of ['/api/external/me', '/api/external/webhook-test', '/api/external/vendor-update']) {
      await fetch(`${apiUrl()}${path}`, {
        method: path.endsWith('me') ? 'GET' : 'POST',
        headers: { [name]: wrong },
      });
    }
  }
  for (const scheme of ['Bearer', 'Basic']) {
    const wrong = random();
    given[`wrong ${scheme} credential`] = wrong;
    const authorization = `${scheme} ${scheme === 'Basic' ? Buffer.from(`admin:${wrong}`).toString('base64') : wrong}`;
    for (const { url } of processes) await fetch(`${url}/metrics`, { headers: { authorization } });
    for (const path of ['/api/vendor/me', '/api/admin/orders', '/admin/queues']) {
      await fetch(`${apiUrl()}${path}`, { headers: { authorization } });
    }
  }
}
