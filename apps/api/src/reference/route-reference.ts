import type { ErrorCode } from '@vendor-server/domain/errors/error-codes.ts';
import type { TSchema } from 'typebox';

/** Who calls a route: decides its credential, and the failures that any of its routes can answer. */
export type Audience =
  | 'customer_server'
  | 'partner'
  /** A customer server or the partner: the webhook test. */
  | 'webhook_tester'
  | 'vendor'
  | 'operator'
  | 'anyone';

/** The reference's chapters, in the order in which they are read. */
export const REFERENCE_TAGS = [
  'Orders',
  'Webhook endpoints',
  'Deliveries',
  'Events feed',
  'Account',
  'Partners',
  'Vendors',
  'Offers',
  'Operators: orders',
  'Operators: deliveries',
  'Operators: customer servers',
  'Operators: vendors',
  'Health',
  'API reference',
] as const;
export type ReferenceTag = (typeof REFERENCE_TAGS)[number];

/** A successful answer, or one in an older failure shape. */
export interface ReferenceAnswer {
  readonly description: string;
  /** Of the JSON body; absent for anything else. */
  readonly schema?: TSchema;
  readonly contentType?: string;
  readonly example?: unknown;
  /** In place of `example`, where one does not do: name to value. */
  readonly examples?: Readonly<Record<string, unknown>>;
  /** Headers that only this answer has: name to meaning. */
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * What the API reference says of a route besides its request schemas. Documentation only: answers are not
 * serialized by it. Tests validate the real answers against it.
 */
export interface RouteReference {
  readonly audience: Audience;
  readonly tag: ReferenceTag;
  /** Unique, camelCase: what generated clients call it. */
  readonly operationId: string;
  readonly summary: string;
  /** Markdown. */
  readonly description?: string;
  /** By HTTP status. */
  readonly answers: Readonly<Record<number, ReferenceAnswer>>;
  /** Codes that this route answers besides those of every route of its audience. */
  readonly errors?: readonly ErrorCode[];
  /** `details` of the `validation_failed` that is shown as an example. */
  readonly validationExample?: readonly string[];
  /** Of a body that the route parses itself, without `schema.body`. */
  readonly body?: TSchema;
  readonly bodyExamples?: Readonly<Record<string, unknown>>;
  /** Request headers besides the credential: name to meaning. */
  readonly headers?: Readonly<Record<string, string>>;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Every route of the API has one; routes of `/docs` and Bull Board have none. */
    reference?: RouteReference;
  }
}
