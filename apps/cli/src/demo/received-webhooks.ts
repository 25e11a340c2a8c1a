import type { IncomingHttpHeaders } from 'node:http';

export interface ReceivedWebhook {
  orderId: string;
  status: string;
  previousStatus: string | null;
  version: number;
  /** Stable over the attempts of one delivery. */
  deliveryId: string;
  attempt: number;
  answeredWith: number;
}

/** What the demo looks at of a webhook that the customer's server answered. */
export function toReceivedWebhook(
  headers: IncomingHttpHeaders,
  body: unknown,
  answeredWith: number,
): ReceivedWebhook {
  const { orderId, status, previousStatus, version } = body as Pick<
    ReceivedWebhook,
    'orderId' | 'status' | 'previousStatus' | 'version'
  >;
  return {
    orderId,
    status,
    previousStatus,
    version,
    deliveryId: String(headers['webhook-id']),
    attempt: Number(headers['x-webhook-attempt']),
    answeredWith,
  };
}

export interface ExpectedDelivery {
  status: string;
  /** What its attempts were answered with, in order. */
  answers: readonly number[];
}

/**
 * Compares what arrived with what should have: every status in order, each with the status before it, one
 * version higher, and with its attempts numbered from 1 under one delivery id.
 * @returns a sentence for each difference; none when all is as expected.
 */
export function findFaults(
  received: readonly ReceivedWebhook[],
  orderId: string,
  expected: readonly ExpectedDelivery[],
): string[] {
  const wanted = expected.flatMap(({ status, answers }, index) =>
    answers.map((answeredWith, attemptIndex) => ({
      orderId,
      status,
      previousStatus: expected[index - 1]?.status ?? null,
      version: index + 1,
      attempt: attemptIndex + 1,
      answeredWith,
    })),
  );
  const faults: string[] = [];
  for (let index = 0; index < Math.max(wanted.length, received.length); index += 1) {
    const want = wanted[index];
    const got = received[index];
    if (!want) faults.push(`Request ${index + 1} was not expected: ${describe(got)}.`);
    else if (!got) faults.push(`Request ${index + 1} did not arrive: ${describe(want)}.`);
    else if (describe(want) !== describe(got)) {
      faults.push(`Request ${index + 1} should have been ${describe(want)}, but was ${describe(got)}.`);
    }
  }
  const deliveryIds = new Set(received.map(({ deliveryId, version }) => `${version} ${deliveryId}`));
  if (faults.length === 0 && deliveryIds.size !== expected.length) {
    faults.push('The attempts of one delivery did not carry the same webhook-id.');
  }
  return faults;
}

function describe(webhook: Omit<ReceivedWebhook, 'deliveryId'> | undefined): string {
  if (!webhook) return 'nothing';
  const { orderId, status, previousStatus, version, attempt, answeredWith } = webhook;
  return `order ${orderId} version ${version} ${previousStatus ?? 'nothing'} → ${status}, attempt ${attempt}, answered ${answeredWith}`;
}
