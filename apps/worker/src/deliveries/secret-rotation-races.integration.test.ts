/** Rotations that begin and end while a request is on its way, or while its delivery waits for the next one. */
import {
  completeSecretRotation,
  rotateCustomerServerSecret,
} from '@vendor-server/platform/customer-servers/rotate-customer-server-secret.ts';
import { hashSecret } from '@vendor-server/platform/secrets/hash-secret.ts';
import { emptyDatabase, insertOrder, readStates } from '@vendor-server/platform/testing/delivery-fixtures.ts';
import { createTestDatabase } from '@vendor-server/platform/testing/test-database.ts';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { answered } from '../testing/attempt-results.ts';
import { type Answer, createAttemptStage } from '../testing/attempt-stage.ts';
import { attemptDelivery } from './attempt-delivery.ts';

let subject: Awaited<ReturnType<typeof createTestDatabase>>;
let stage: ReturnType<typeof createAttemptStage>;
let customerServerId: string;
let endpointId: string;
/** What the receiver holds. */
let held: string;

beforeAll(async () => {
  subject = await createTestDatabase();
});
afterAll(() => subject.drop());
beforeEach(async () => {
  await emptyDatabase(subject.database.pool);
  stage = createAttemptStage(subject.database);
  ({ customerServerId, endpointId } = await stage.insertEndpoint());
  await subject.database.pool.query('update webhook_endpoints set send_shared_secret = true');
  await subject.database.pool.query('update customer_servers set secret_hash = $1, secret_ciphertext = $2', [
    hashSecret('A'),
    stage.deps.secretBox.seal('A', customerServerId),
  ]);
  held = 'A';
});

const rotateTo = (secret: string, overlapHours = 1) =>
  rotateCustomerServerSecret(subject.database.prisma, stage.deps.secretBox, {
    customerServerId,
    secret,
    overlapHours,
  });
const complete = () => completeSecretRotation(subject.database.prisma, customerServerId);
const endOverlap = () =>
  subject.database.pool.query(`update customer_servers set secret_overlap_until = now() - interval '1 s'`);

/** A receiver as in the integration guide, and what happens before it looks at a request. */
function meanwhile(happens: () => unknown = () => undefined): Answer {
  return async ({ headers }) => {
    await happens();
    return answered(headers['x-vendor-server-secret'] === held ? 200 : 401);
  };
}

/** Attempts the delivery until it has ended. @returns the secrets it was tried with, and how it ended */
async function deliver(...answers: Answer[]): Promise<{ sent: unknown[]; state: string | undefined }> {
  const { orderId, deliveryIds } = await insertOrder(
    subject.database.pool,
    { customerServerId, endpointId },
    ['queued'],
  );
  stage.answer(...answers);
  const before = stage.sent.length;
  for (let attempts = 0; attempts < 6; attempts += 1) {
    const end = await attemptDelivery(stage.deps, { deliveryId: deliveryIds[0] ?? '', generation: 1 });
    if (end.kind !== 'retry') break;
  }
  const sent = stage.sent.slice(before).map(({ headers }) => headers['x-vendor-server-secret']);
  return { sent, state: (await readStates(subject.database.pool, orderId))[0] };
}

test('one that begins while the request is on its way, and that the receiver has followed already', async () => {
  const follow = async () => {
    await rotateTo('B');
    held = 'B';
  };
  expect(await deliver(meanwhile(follow), meanwhile())).toEqual({ sent: ['A', 'B'], state: 'delivered' });
  expect(await deliver(meanwhile())).toEqual({ sent: ['B'], state: 'delivered' });
});

test('the same without an overlap', async () => {
  const follow = async () => {
    await rotateTo('B', 0);
    held = 'B';
  };
  expect(await deliver(meanwhile(follow), meanwhile())).toEqual({ sent: ['A', 'B'], state: 'delivered' });
});

test.each([
  ['is completed', complete],
  ['reaches the end of its overlap', endOverlap],
])('one that %s while a request with the old secret is on its way', async (_how, end) => {
  await rotateTo('B');
  const follow = async () => {
    await end();
    held = 'B';
  };
  expect(await deliver(meanwhile(follow), meanwhile())).toEqual({ sent: ['A', 'B'], state: 'delivered' });
});

test('a second one within the overlap of the first, right after the refusal', async () => {
  await rotateTo('B');
  held = 'B';
  expect(await deliver(meanwhile(), meanwhile())).toEqual({ sent: ['A', 'B'], state: 'delivered' });
  // "current" was refused, and is "previous" by the time of the next attempt.
  const follow = async () => {
    await rotateTo('C');
    held = 'C';
  };
  expect(await deliver(meanwhile(follow), meanwhile())).toEqual({ sent: ['B', 'C'], state: 'delivered' });
  expect(await deliver(meanwhile())).toEqual({ sent: ['C'], state: 'delivered' });
});

test('two within one delivery, each followed at once', async () => {
  await rotateTo('B');
  held = 'B';
  const follow = async () => {
    await rotateTo('C');
    held = 'C';
  };
  expect(await deliver(meanwhile(), meanwhile(follow), meanwhile())).toEqual({
    sent: ['A', 'B', 'C'],
    state: 'delivered',
  });
});

test('a refusal from before another rotation does not choose the secret of later', async () => {
  await rotateTo('B');
  held = 'nothing';
  const { orderId, deliveryIds } = await insertOrder(
    subject.database.pool,
    { customerServerId, endpointId },
    ['queued'],
  );
  const job = { deliveryId: deliveryIds[0] ?? '', generation: 1 };
  stage.answer(meanwhile(), meanwhile());
  expect(await attemptDelivery(stage.deps, job)).toMatchObject({ kind: 'retry' });
  // Its endpoint was paused, say; days later the receiver holds B, and another rotation has begun.
  await endOverlap();
  await rotateTo('C');
  held = 'B';
  expect(await attemptDelivery(stage.deps, job)).toMatchObject({ kind: 'done' });
  expect(await readStates(subject.database.pool, orderId)).toEqual(['delivered']);
  expect(stage.sent.map(({ headers }) => headers['x-vendor-server-secret'])).toEqual(['A', 'B']);
});

test('a success with what is no longer the newest is not taken for the newest', async () => {
  await rotateTo('B');
  held = 'B';
  // Accepted as "current"; by the time that is noted, "current" is another one.
  expect(
    await deliver(
      meanwhile(),
      meanwhile(() => rotateTo('C')),
    ),
  ).toEqual({ sent: ['A', 'B'], state: 'delivered' });
  expect(await deliver(meanwhile())).toEqual({ sent: ['B'], state: 'delivered' });
});

test.each(['A', 'B'])('a receiver that refuses everything fails after both, begun with %s', async (first) => {
  await rotateTo('B');
  held = 'neither';
  if (first === 'B')
    await subject.database.pool.query(`update customer_servers set outbound_secret = 'current'`);
  const other = first === 'A' ? 'B' : 'A';
  const refusals = Array.from({ length: 6 }, () => meanwhile());
  expect(await deliver(...refusals)).toEqual({ sent: [first, other], state: 'failed' });
});

test('without a rotation a refusal is final', async () => {
  held = 'neither';
  expect(await deliver(meanwhile(), meanwhile())).toEqual({ sent: ['A'], state: 'failed' });
});
