import type { FastifyInstance, HTTPMethods, RouteOptions } from 'fastify';
import type { Audience, RouteReference } from '../../reference/route-reference.ts';

/** A route as a walk over all of them needs it: one for each method. */
export interface WalkedRoute {
  readonly method: HTTPMethods;
  /** As it is registered, with `:names`. */
  readonly url: string;
  /** Who may call it. */
  readonly audience: Audience;
  /** Null for routes of `/docs` and Bull Board. */
  readonly operationId: string | null;
  readonly queryNames: readonly string[];
  readonly bodyNames: readonly string[];
  readonly takesBody: boolean;
  readonly isStream: boolean;
}

/** Pages have no reference that would say whose they are. */
const AUDIENCE_OF_PAGES: Readonly<Record<string, Audience>> = {
  '/admin/queues': 'operator',
  '/docs': 'anyone',
};

/**
 * Gathers the routes of an app that is not ready yet, as they are registered: a route that is added to the app is
 * there without being named anywhere.
 *
 * @throws while the app gets ready, about a route that does not say whose it is
 */
export function collectRoutes(app: FastifyInstance): readonly WalkedRoute[] {
  const routes: WalkedRoute[] = [];
  app.addHook('onRoute', (options) => {
    for (const method of [options.method].flat()) routes.push(toWalkedRoute(method, options));
  });
  return routes;
}

function toWalkedRoute(method: HTTPMethods, { url, schema, config }: RouteOptions): WalkedRoute {
  const reference = config?.reference;
  const bodyNames = propertyNamesOf(schema?.body ?? reference?.body);
  return {
    method,
    url,
    audience: reference?.audience ?? audienceOfPage(url),
    operationId: reference?.operationId ?? null,
    queryNames: propertyNamesOf(schema?.querystring),
    bodyNames,
    takesBody: schema?.body !== undefined || reference?.body !== undefined,
    isStream: isStream(reference),
  };
}

function audienceOfPage(url: string): Audience {
  const [, audience] =
    Object.entries(AUDIENCE_OF_PAGES).find(([prefix]) => url === prefix || url.startsWith(`${prefix}/`)) ??
    [];
  if (audience === undefined) throw new Error(`Nothing says who may call ${url}: give it a reference.`);
  return audience;
}

function propertyNamesOf(schema: unknown): string[] {
  const { properties = {}, anyOf = [] } = (schema ?? {}) as { properties?: object; anyOf?: unknown[] };
  return [...Object.keys(properties), ...anyOf.flatMap(propertyNamesOf)];
}

function isStream(reference: RouteReference | undefined): boolean {
  return Object.values(reference?.answers ?? {}).some((each) => each.contentType === 'text/event-stream');
}
