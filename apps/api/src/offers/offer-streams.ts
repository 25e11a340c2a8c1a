/**
 * The open offer streams of this process, and what each is told.
 *
 * A stream begins with a snapshot and is told of changes from then on. Changes arrive as ids; each is looked
 * up after its commit and only then told, so no stream hears of something that did not happen. Nothing is
 * missed or left standing, because
 * - a stream listens before its snapshot is read; a change told meanwhile is looked up again for it after;
 * - looks at one order run one after the other, and a change that arrives during a look causes another one;
 * - a stream for which a look or a snapshot failed is ended: its client comes back to a fresh snapshot.
 * An event may therefore come twice, and a withdrawal may name an order that a vendor was never shown. What
 * is kept per stream does not grow with the number of offers.
 */
import type { ServerResponse } from 'node:http';
import { isDeepStrictEqual } from 'node:util';
import type { SqlExecutor } from '@vendor-server/platform/database/sql-executor.ts';
import type { Logger } from 'pino';
import { ApiError } from '../errors/api-error.ts';
import type { CallingVendor } from '../plugins/authentication.ts';
import { connectPresence, renewPresence, type VendorPresence } from '../vendors/presence-sql.ts';
import { createCoalescer } from './create-coalescer.ts';
import { EventStream, toServerSentEvent } from './event-stream.ts';
import type { OfferChange, OfferEvents } from './offer-events.ts';
import { findOfferState, type OfferState } from './offers-sql.ts';
import { readOfferSnapshot } from './read-offer-snapshot.ts';
import { toOffer } from './to-offer.ts';

export type OfferStreamsOptions = {
  executor: SqlExecutor;
  offerEvents: OfferEvents;
  logger: Pick<Logger, 'warn'>;
  /** How often a quiet stream gets a comment. */
  heartbeatMs?: number;
  /** How often the vendors of open streams are kept online; well below the time they stay online. */
  renewalMs?: number;
  /** What a reader may leave unread. */
  maxBufferedBytes?: number;
  /** After this long at most a stream is ended, and its client comes back. */
  maxAgeMs?: number;
};

export type OfferStreams = {
  /**
   * Opens a stream for a vendor, which brings the vendor online.
   * @returns the body for `response`; it ends by itself when the response closes
   * @throws ApiError `rate_limited` for too many streams of one vendor in this process, `unauthorized` for a key
   *   that was replaced a moment ago, `shutting_down`
   */
  open(vendor: CallingVendor, response: ServerResponse): Promise<EventStream>;
  /** Ends every stream and opens no more. */
  close(): void;
};

type OpenStream = {
  vendorId: string;
  /** Null until it was read for the first time. */
  presence: VendorPresence | null;
  body: EventStream;
  /** A snapshot is being read: what happens meanwhile is told after it. */
  isLoading: boolean;
  /** Orders that changed while it is loading. */
  touched: Set<string>;
  /** The vendor changed while it is loading: the snapshot has to be read again. */
  isStale: boolean;
};

/** A person with some devices, in each process. */
const MAX_STREAMS_PER_VENDOR = 5;

/**
 * A client that vanishes without a word (a phone that changes its network) is found by nobody: the kernel takes
 * heartbeats for it and repeats them for a quarter of an hour before it gives up. So long would its vendor be online
 * and its stream count, were streams not ended much sooner.
 */
const MAX_AGE_MS = 300_000;
/** The youngest end this much earlier, so that clients which came together do not come back together. */
const AGE_SPREAD = 0.2;

export function createOfferStreams({
  executor,
  offerEvents,
  logger,
  heartbeatMs = 15_000,
  renewalMs = 30_000,
  maxBufferedBytes = 1024 * 1024,
  maxAgeMs = MAX_AGE_MS,
}: OfferStreamsOptions): OfferStreams {
  const streams = new Set<OpenStream>();
  let isClosed = false;

  function streamsOf(vendorId: string): OpenStream[] {
    return [...streams].filter((stream) => stream.vendorId === vendorId);
  }

  function end(stream: OpenStream): void {
    streams.delete(stream);
    stream.body.end();
  }

  function endAfterFailure(failed: Iterable<OpenStream>, err: unknown): void {
    if (isClosed) return;
    logger.warn({ err }, 'Offer streams ended because their offers could not be read');
    for (const stream of failed) end(stream);
  }

  const look = createCoalescer<string, OpenStream>(async (orderId, targets) => {
    try {
      const state = await findOfferState(executor, orderId);
      if (state) tell(state, targets);
    } catch (error) {
      endAfterFailure(targets, error);
    }
  });

  function tell(state: OfferState, targets: Iterable<OpenStream>): void {
    const orderId = state.row.id;
    const offer = toServerSentEvent('offer', toOffer(state.row));
    const withdrawal = toServerSentEvent('offer_withdrawn', { orderId });
    for (const { presence, body, isLoading, touched } of targets) {
      if (isLoading || !presence) touched.add(orderId);
      else if (!serves(presence, state.row.work_type)) continue;
      else if (!state.isPending || state.declinedBy.has(presence.vendorId)) body.send(withdrawal);
      else if (presence.isOnline) body.send(offer);
    }
  }

  /** For a stream that is marked as loading. */
  async function loadSnapshot(stream: OpenStream): Promise<void> {
    let snapshot: unknown;
    do {
      stream.isStale = false;
      snapshot = await readOfferSnapshot(executor, stream.vendorId);
    } while (stream.isStale);
    stream.isLoading = false;
    stream.body.send(toServerSentEvent('snapshot', snapshot));
    for (const orderId of stream.touched) look(orderId, [stream]);
    stream.touched.clear();
  }

  function reloadSnapshot(stream: OpenStream): void {
    if (stream.isLoading) {
      stream.isStale = true;
      return;
    }
    stream.isLoading = true;
    loadSnapshot(stream).catch((error: unknown) => endAfterFailure([stream], error));
  }

  const renew = createCoalescer<'vendors', string>(async (_key, vendorIds) => {
    const concerned = [...streams].filter(({ vendorId }) => vendorIds.has(vendorId));
    try {
      const renewed = await renewPresence(executor, [...vendorIds]);
      const byId = new Map(renewed.map((presence) => [presence.vendorId, presence]));
      for (const stream of concerned) update(stream, byId.get(stream.vendorId));
    } catch (error) {
      // Streams stay open: the next renewal comes long before their vendors count as offline.
      if (!isClosed)
        logger.warn({ err: error }, 'Presence of vendors with open streams could not be renewed');
    }
  });

  function update(stream: OpenStream, presence: VendorPresence | undefined): void {
    const before = stream.presence;
    if (!before || !streams.has(stream)) return;
    if (!presence || presence.apiKeyHash !== before.apiKeyHash) {
      end(stream);
      return;
    }
    stream.presence = presence;
    if (!isDeepStrictEqual(presence, before)) reloadSnapshot(stream);
  }

  function hear(change: OfferChange): void {
    if (change.kind === 'order') look(change.orderId, streams);
    else if (change.kind === 'decline') look(change.orderId, streamsOf(change.vendorId));
    else if (streamsOf(change.vendorId).length > 0) renew('vendors', [change.vendorId]);
  }

  const unsubscribe = offerEvents.subscribe(hear, () => streams.size > 0);
  const heartbeats = setInterval(() => {
    for (const { body } of streams) body.heartbeat();
  }, heartbeatMs).unref();
  const renewals = setInterval(() => {
    if (streams.size > 0) renew('vendors', new Set([...streams].map((stream) => stream.vendorId)));
  }, renewalMs).unref();

  return {
    async open({ id: vendorId, apiKeyHash }, response) {
      if (isClosed) throw new ApiError('shutting_down');
      if (streamsOf(vendorId).length >= MAX_STREAMS_PER_VENDOR) {
        throw new ApiError('rate_limited', {
          message: `A vendor may have ${MAX_STREAMS_PER_VENDOR} open offer streams; close one first.`,
          headers: {
            'retry-after': '5',
            'ratelimit-limit': String(MAX_STREAMS_PER_VENDOR),
            'ratelimit-remaining': '0',
            'ratelimit-reset': '5',
          },
        });
      }
      const body = new EventStream({ response, maxBufferedBytes });
      const stream: OpenStream = {
        vendorId,
        presence: null,
        body,
        isLoading: true,
        touched: new Set(),
        isStale: false,
      };
      streams.add(stream);
      const age = setTimeout(() => end(stream), maxAgeMs * (1 - AGE_SPREAD * Math.random())).unref();
      body.once('close', () => {
        clearTimeout(age);
        streams.delete(stream);
      });
      try {
        stream.presence = await connectPresence(executor, vendorId);
        // A key that is replaced after its check, and before this stream listens, ends no stream yet.
        if (stream.presence?.apiKeyHash !== apiKeyHash) throw new ApiError('unauthorized');
        await loadSnapshot(stream);
      } catch (error) {
        body.destroy();
        throw error;
      }
      if (isClosed) throw new ApiError('shutting_down');
      return body;
    },

    close() {
      isClosed = true;
      unsubscribe();
      clearInterval(heartbeats);
      clearInterval(renewals);
      for (const stream of streams) end(stream);
    },
  };
}

function serves(vendor: VendorPresence, workType: string | null): boolean {
  if (vendor.selectedServices.length === 0) return true;
  return workType !== null && vendor.selectedServices.includes(workType);
}
