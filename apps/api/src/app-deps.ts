import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { Database } from '@vendor-server/platform/database/create-database.ts';
import type { Dispatcher } from '@vendor-server/platform/deliveries/create-dispatcher.ts';
import type { ApiMetrics } from '@vendor-server/platform/metrics/api-metrics.ts';
import type { MetricsPage } from '@vendor-server/platform/metrics/create-metrics-page.ts';
import type { DeliveryQueue } from '@vendor-server/platform/queue/delivery-queue.ts';
import type { UseCounter } from '@vendor-server/platform/rate-limits/create-use-counter.ts';
import type { SecretBox } from '@vendor-server/platform/secrets/secret-box.ts';
import type { Settings } from '@vendor-server/platform/settings/settings.ts';
import type { Tracer } from '@vendor-server/platform/tracing/tracer.ts';
import type { Sender } from '@vendor-server/sender/create-sender.ts';
import type { Logger } from 'pino';
import type { OfferEvents } from './offers/offer-events.ts';
import type { OrderReads } from './orders/create-order-reads.ts';
import type { OrderWrites } from './orders/create-order-writes.ts';
import type { Credentials } from './plugins/create-credentials.ts';

/** Everything the API works with. Made by `main.ts` and by tests, never by the app itself. */
export interface AppDeps {
  readonly settings: Settings;
  readonly logger: Logger;
  readonly database: Database;
  /** Asked by `/readyz` and `/metrics` only: changes reach it through the dispatcher. */
  readonly queue: DeliveryQueue;
  /** Reads what orders' changes are decided on. */
  readonly orderReads: OrderReads;
  /** Writes orders and their changes. */
  readonly orderWrites: OrderWrites;
  /** Hands over what a committed change left to do. */
  readonly dispatcher: Dispatcher;
  /** Tells the vendors' streams what to look at again. */
  readonly offerEvents: OfferEvents;
  /** Who callers are. */
  readonly credentials: Credentials;
  /** What rate limits count in. */
  readonly useCounter: UseCounter;
  readonly secretBox: SecretBox;
  readonly metrics: ApiMetrics;
  /** What `/metrics` answers. */
  readonly metricsPage: MetricsPage;
  readonly tracer: Tracer;
  /** For the webhook test; deliveries are sent by the worker. */
  readonly sender: Sender;
}

/** A group of routes, registered in `app.ts` with the dependencies as its options. */
export type Routes = FastifyPluginAsyncTypebox<AppDeps>;
