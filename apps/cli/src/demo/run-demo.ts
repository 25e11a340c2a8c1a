import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { Lifecycle } from '@vendor-server/platform/lifecycle/lifecycle.ts';
import type { createLogger } from '@vendor-server/platform/logging/create-logger.ts';
import { findFreePorts } from '@vendor-server/platform/network/find-free-ports.ts';
import { createSecret } from '@vendor-server/platform/secrets/create-secret.ts';
import { loadSettings } from '@vendor-server/platform/settings/load-settings.ts';
import { startSystem } from '../start/start-system.ts';
import { createInbox } from './create-inbox.ts';
import type { Narrator } from './create-narrator.ts';
import { buildDemoEnvironment } from './demo-environment.ts';
import type { ExpectedDelivery } from './received-webhooks.ts';
import { findFaults, toReceivedWebhook } from './received-webhooks.ts';
import { startSampleCustomerServer } from './sample-customer-server.ts';
import { walkOrder } from './walk-order.ts';

export interface DemoOptions {
  env: NodeJS.ProcessEnv;
  /** Throw-away: removed by the caller. */
  dataDir: string;
  /** Where the processes write their logs: an open file. */
  logFile: number;
  logger: ReturnType<typeof createLogger>;
  narrator: Narrator;
  /** Called when a process ends in the middle. */
  onProcessEnd: (reason: string) => void;
}

const FAIL_ON = { status: 'payment_requested', times: 2 };
const EXPECTED: readonly ExpectedDelivery[] = [
  { status: 'pending', answers: [200] },
  { status: 'accepted', answers: [200] },
  { status: 'in_progress', answers: [200] },
  { status: 'payment_requested', answers: [503, 503, 200] },
  { status: 'payment_confirmed', answers: [200] },
  { status: 'completed', answers: [200] },
];
const WEBHOOK_TIMEOUT_MS = 20_000;

/**
 * Starts a customer's server and the whole system on free ports, and walks one order through it.
 * @returns what was not as promised to the customer's server, a sentence each; none when all webhooks arrived
 * in order.
 * @throws Error when something did not start or was answered otherwise than it should be.
 */
export async function runDemo(lifecycle: Lifecycle, options: DemoOptions): Promise<string[]> {
  const { narrator, logger } = options;
  const credentials = { customerSecret: createSecret(), adminApiKey: createSecret() };
  const inbox = createInbox();

  narrator.title();
  const customerServer = await lifecycle.start(
    'sample customer server',
    () =>
      startSampleCustomerServer({
        port: 0,
        secret: credentials.customerSecret,
        failOn: FAIL_ON,
        onAnswered(request, answeredWith) {
          const webhook = toReceivedWebhook(request.headers, request.body, answeredWith);
          narrator.received(webhook);
          inbox.add(webhook);
        },
      }),
    async (server) => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  );
  const webhookUrl = `http://127.0.0.1:${(customerServer.address() as AddressInfo).port}/api/vendor/order-updates`;
  narrator.note(`A customer's server listens on ${webhookUrl}`);

  narrator.note('Starting PostgreSQL, API and worker …');
  const [port = 0, workerPort = 0] = await findFreePorts(2);
  const env = buildDemoEnvironment(options.env, {
    dataDir: options.dataDir,
    port,
    workerPort,
    webhookUrl,
    credentials,
  });
  const { apiUrl, workerUrl } = await startSystem(lifecycle, {
    // The processes write to one file already.
    settings: { ...loadSettings(env), logFile: null },
    env,
    logger,
    output: options.logFile,
    exit: options.onProcessEnd,
  });
  narrator.note(`API on ${apiUrl}, worker on ${workerUrl}`);

  const orderId = await walkOrder({
    apiUrl,
    credentials,
    narrator,
    untilAnswered: (status, answeredWith) =>
      inbox.waitFor({ status, answeredWith }, { timeoutMs: WEBHOOK_TIMEOUT_MS, signal: lifecycle.stopping }),
  });
  return findFaults(inbox.received, orderId, EXPECTED);
}
