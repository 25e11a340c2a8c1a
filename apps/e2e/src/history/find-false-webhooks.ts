import { Webhook } from 'standardwebhooks';
import type { History, SeenRequest } from './history.ts';
import { type DeliveryStory, type HistoryIndex, idsOf, isOf } from './index-history.ts';
import type { Violation } from './violation.ts';

/** A receiver refuses what is older or newer (Standard Webhooks: "Webhook timestamp"). */
const TOLERANCE_MS = 5 * 60 * 1000;

/**
 * Webhooks that are not what was committed: of nothing, of what is none of the endpoint's business, with other bytes, or
 * not signed for their bytes.
 */
export function findFalseWebhooks({ requests }: History, { stories }: HistoryIndex): Violation[] {
  const violations: Violation[] = [];
  for (const request of requests) {
    const deliveryId = request.headers['webhook-id'] ?? '';
    const story = stories.get(deliveryId);
    if (story === undefined || !isOf(request, story.delivery, story.endpoint)) {
      const claims = `order ${request.headers['x-webhook-order-id']}, version ${request.headers['x-webhook-version']}`;
      violations.push({
        kind: 'phantom',
        deliveryId,
        message: `${request.path} got a webhook of ${claims}, and there is no such delivery to it.`,
      });
    } else if (!isWanted(story)) {
      const message = `${request.path} got a webhook of "${story.change.status}" that is not for it.`;
      violations.push({ kind: 'phantom', ...idsOf(story), message });
    } else if (!request.body.equals(Buffer.from(story.change.body))) {
      const message = `The body that came to ${request.path} is not the one that was committed.`;
      violations.push({ kind: 'two_bodies', ...idsOf(story), message });
    } else if (!isSigned(request, story.endpoint.signingSecret)) {
      const message = `The signature that came to ${request.path} is not one of its body.`;
      violations.push({ kind: 'bad_signature', ...idsOf(story), message });
    }
  }
  return violations;
}

function isWanted({ change, endpoint }: DeliveryStory): boolean {
  if (endpoint.customerServerId !== change.customerServerId) return false;
  return endpoint.statuses?.includes(change.status) ?? true;
}

/** By a library that is not ours. Its `verify` would hold the timestamp against now, and a run may be longer. */
function isSigned({ headers, body, begunAt }: SeenRequest, signingSecret: string): boolean {
  const signedAt = Number(headers['webhook-timestamp']) * 1000;
  if (!(Math.abs(begunAt - signedAt) <= TOLERANCE_MS)) return false;
  const expected = new Webhook(signingSecret).sign(headers['webhook-id'] ?? '', new Date(signedAt), body);
  return (headers['webhook-signature'] ?? '').split(' ').includes(expected);
}
