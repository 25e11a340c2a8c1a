/**
 * The bare part of a delivery: a BullMQ worker that posts a body of the same size to the same receiver, with the same
 * concurrency, on the same queue backend. It asks nothing of a database, records nothing, and signs nothing.
 */
import { sampleOrder, sampleVendor } from '@vendor-server/domain/testing/sample-order.ts';
import { buildWebhookBody } from '@vendor-server/domain/webhooks/webhook-body.ts';
import { Agent, request } from 'undici';
import type { BareDeliveryCalls, Posts } from './bare-delivery-calls.ts';
import { type BareQueue, openBareQueue } from './open-bare-queue.ts';
import { runPaced } from './run-load.ts';
import { servePeer } from './serve-peer.ts';

/** As the worker's own. */
const CONCURRENCY = 1_024;
const VENDOR = sampleVendor();
/** 1.1 kB, as those of a backlog are and most of an order's. */
const BODY = JSON.stringify(
  buildWebhookBody(sampleOrder({ status: 'accepted', vendorId: VENDOR.vendorId }), 'pending', VENDOR),
);
const HEADERS = { 'content-type': 'application/json' };

const agent = new Agent({ connections: CONCURRENCY, allowH2: false });
let opened: BareQueue | null = null;

function queue(): BareQueue {
  if (opened === null) throw new Error('open comes first');
  return opened;
}

async function post(url: string): Promise<void> {
  const answer = await request(url, { method: 'POST', headers: HEADERS, body: BODY, dispatcher: agent });
  await answer.body.dump();
  if (answer.statusCode !== 200) throw new Error(`${url} answered ${answer.statusCode}`);
}

function listUrls({ urls, count }: Posts): string[] {
  return Array.from({ length: count }, (_, n) => urls[n % urls.length] ?? '');
}

const calls: BareDeliveryCalls = {
  async open(where) {
    opened = await openBareQueue({ ...where, concurrency: CONCURRENCY, work: ({ url }) => post(url) });
  },
  fill: (posts) => queue().add(listUrls(posts).map((url) => ({ url }))),
  resume: () => queue().resume(),
  pause: () => queue().pause(),
  pace: (posts) => runPaced(listUrls(posts), posts.perSecond, post),
};

servePeer(calls);
