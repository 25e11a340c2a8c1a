/** Which secrets sign an attempt while they are rotated: through a real worker, checked by an independent library. */
import { rotateSigningSecretForCustomerServer } from '@vendor-server/api/webhook-endpoints/rotate-signing-secret.ts';
import { createCustomerServer } from '@vendor-server/platform/customer-servers/create-customer-server.ts';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createReceiver, type Receiver } from '../receiver/create-receiver.ts';
import type { ReceivedRequest } from '../receiver/received-request.ts';
import { respond, type Step } from '../receiver/steps.ts';
import { createDeliveryStage, type DeliveryStage } from './create-delivery-stage.ts';
import { until } from './until.ts';

let stage: DeliveryStage;
let receiver: Receiver;
beforeAll(async () => {
  receiver = await createReceiver();
  stage = await createDeliveryStage({ redisUrl: null, retryDelaysMs: [100, 100, 100] });
  await stage.startWorker();
});
afterAll(async () => {
  await receiver.close();
  await stage.close();
});

function isSignedBy(secret: string, { body, headers }: ReceivedRequest): boolean {
  try {
    new Webhook(secret).verify(body, headers as Record<string, string>);
    return true;
  } catch {
    return false;
  }
}

test('each attempt is signed by the secrets of its own moment, however often they are rotated in between', async () => {
  // The endpoint that an operator makes together with its customer server.
  const { customerServerId, endpoint } = await stage.database.prisma.$transaction((transaction) =>
    createCustomerServer(transaction, stage.api.secretBox, {
      name: 'Test',
      webhookUrl: receiver.url('/signed'),
    }),
  );
  const endpointId = endpoint?.endpointId ?? '';
  const secrets = [endpoint?.signingSecret ?? ''];
  const rotate = async () => {
    const rotated = await rotateSigningSecretForCustomerServer(stage.api, customerServerId, endpointId, 1);
    secrets.push(rotated.signingSecret);
  };
  const endOverlap = () =>
    stage.database.pool.query(
      `update webhook_endpoints set signing_overlap_until = now() - interval '1 s' where id = $1`,
      [endpointId],
    );
  const failAfter =
    (happens: () => Promise<unknown>): Step =>
    async (answering) => {
      await happens();
      await respond(503)(answering);
    };
  receiver.answer('/signed', ...[rotate, rotate, endOverlap].map(failAfter), respond(200));
  await stage.createOrder(customerServerId);
  await until(() => expect(receiver.requests).toHaveLength(4));
  expect(receiver.requests.map((request) => secrets.map((secret) => isSignedBy(secret, request)))).toEqual([
    [true, false, false],
    [true, true, false],
    [false, true, true],
    [false, false, true],
  ]);
  expect(new Set(receiver.requests.map(({ body }) => body.toString('hex'))).size).toBe(1);
});
