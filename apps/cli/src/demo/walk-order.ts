import type { ApiAnswer, ApiClient } from './api-client.ts';
import { createApiClient, readField } from './api-client.ts';
import type { Narrator } from './create-narrator.ts';
import type { DemoCredentials } from './demo-environment.ts';

export interface WalkOptions {
  apiUrl: string;
  credentials: DemoCredentials;
  narrator: Narrator;
  /** Waits until the customer's server has answered a webhook of that order status with that HTTP status. */
  untilAnswered: (status: string, answeredWith: number) => Promise<void>;
}

/** Somebody who calls the API, with the name that the demo gives them. */
interface Caller {
  who: string;
  client: ApiClient;
}

interface DemoVendor extends Caller {
  name: string;
}

const NEW_ORDER = {
  customerId: 'customer-123',
  customerName: 'Example Customer',
  customerPhone: '+910000000001',
  customerAddress: '1 Example Street, Example City',
  workType: 'electronics_repair',
  description: 'Fix smartphone screen',
  location: { latitude: 28.7041, longitude: 77.1025 },
  estimatedPrice: 250,
};
const VENDOR_NAMES = ['Tech Repair Services', 'Quick Fix Workshop'] as const;

/**
 * Takes one order from its creation to its completion, every step as a request over HTTP: two vendors compete
 * for it, and the customer's server fails while payment is requested, with the order going on meanwhile.
 * @returns the order's id.
 * @throws Error when an answer is not what it should be.
 */
export async function walkOrder({
  apiUrl,
  credentials,
  narrator,
  untilAnswered,
}: WalkOptions): Promise<string> {
  const customer = {
    who: 'customer server',
    client: createApiClient(apiUrl, { 'x-customer-secret': credentials.customerSecret }),
  };
  const operator = {
    who: 'operator',
    client: createApiClient(apiUrl, { authorization: `Bearer ${credentials.adminApiKey}` }),
  };

  async function call(
    { who, client }: Caller,
    request: Parameters<ApiClient['call']>,
    describe: (answer: ApiAnswer) => string,
    expectedStatus = 200,
  ): Promise<ApiAnswer> {
    narrator.calling();
    const answer = await client.call(...request);
    const [method, path] = request;
    const what = `${method} ${path.replace(/[0-9a-f]{24}/, '…')}`;
    if (answer.status !== expectedStatus) {
      throw new Error(
        `${what} was answered ${answer.status}, not ${expectedStatus}: ${JSON.stringify(answer.body)}`,
      );
    }
    narrator.called({ who, what, status: answer.status, result: describe(answer) });
    return answer;
  }

  await narrator.chapter('A customer server creates an order');
  const created = await call(
    customer,
    ['POST', '/api/external/orders', NEW_ORDER],
    (answer) => `order ${String(readField(answer, 'data.orderId'))}`,
    201,
  );
  const orderId = String(readField(created, 'data.orderId'));
  await untilAnswered('pending', 200);

  await narrator.chapter('Two vendors come online and are offered the order');
  const vendors: DemoVendor[] = [];
  for (const name of VENDOR_NAMES) {
    const body = { vendorName: name, mobile: '+910000000002', selectedServices: ['electronics_repair'] };
    const answer = await call(operator, ['POST', '/api/admin/vendors', body], () => name, 201);
    const authorization = `Bearer ${String(readField(answer, 'data.apiKey'))}`;
    vendors.push({
      name,
      who: `vendor ${vendors.length + 1}`,
      client: createApiClient(apiUrl, { authorization }),
    });
  }
  for (const vendor of vendors) {
    await call(vendor, ['PUT', '/api/vendor/presence', { online: true }], () => `${vendor.name} is online`);
    await call(vendor, ['GET', '/api/vendor/offers'], (answer) => describeOffers(answer, orderId));
  }

  await narrator.chapter('Both accept at once: one wins');
  const winner = await compete(vendors, orderId, narrator);
  await untilAnswered('accepted', 200);

  const ownOrder = `/api/vendor/orders/${orderId}`;
  await narrator.chapter('The vendor begins to work');
  await call(winner, ['POST', `${ownOrder}/start`, {}], describeStatus);
  await untilAnswered('in_progress', 200);

  await narrator.chapter("The vendor asks for payment, while the customer's server is failing");
  const payment = { amount: 300, notes: 'Screen and battery replaced' };
  await call(winner, ['POST', `${ownOrder}/request-payment`, payment], describeStatus);
  await untilAnswered('payment_requested', 503);

  await narrator.chapter('The order goes on; its webhooks wait their turn');
  await call(customer, ['POST', `/api/external/orders/${orderId}/confirm-payment`, {}], describeStatus);
  await call(winner, ['POST', `${ownOrder}/complete`, {}], describeStatus);
  for (const status of ['payment_requested', 'payment_confirmed', 'completed'])
    await untilAnswered(status, 200);
  return orderId;
}

/** Both vendors accept in the same moment. @returns the one who got the order. */
async function compete(
  vendors: readonly DemoVendor[],
  orderId: string,
  narrator: Narrator,
): Promise<DemoVendor> {
  const path = `/api/vendor/orders/${orderId}/accept`;
  const answers = await Promise.all(
    vendors.map(async (vendor) => {
      narrator.calling();
      return { vendor, answer: await vendor.client.call('POST', path, {}) };
    }),
  );
  for (const { vendor, answer } of answers) {
    const result = answer.status === 200 ? `${vendor.name} has the order` : String(readField(answer, 'code'));
    narrator.called({
      who: vendor.who,
      what: 'POST /api/vendor/orders/…/accept',
      status: answer.status,
      result,
    });
  }
  const winners = answers.filter(({ answer }) => answer.status === 200);
  const losers = answers.filter(
    ({ answer }) => answer.status === 409 && readField(answer, 'code') === 'order_already_taken',
  );
  const [winner] = winners;
  if (!winner || winners.length !== 1 || losers.length !== answers.length - 1) {
    throw new Error(
      `Exactly one vendor should have got the order: ${JSON.stringify(answers.map(({ answer }) => answer))}`,
    );
  }
  return winner.vendor;
}

function describeOffers(answer: ApiAnswer, orderId: string): string {
  const offers = readField(answer, 'data') as { orderId: string }[];
  if (!offers.some((offer) => offer.orderId === orderId))
    throw new Error('An online vendor was not offered the order.');
  return 'sees the order';
}

function describeStatus(answer: ApiAnswer): string {
  return String(readField(answer, 'data.status'));
}
