import { createId } from '@vendor-server/platform/ids/create-id.ts';
import type { FastifyInstance, InjectOptions } from 'fastify';
import { OBJECT_KINDS, type ObjectKind, type Tenant } from './add-tenant.ts';
import type { WalkedRoute } from './collect-routes.ts';
import { sampleBodyOf } from './sample-request-bodies.ts';

/** A place in a request that names an object. */
export interface IdPlace {
  readonly in: 'path' | 'query' | 'body';
  readonly name: ObjectKind;
}

export interface WalkedAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

/** As every request says it, so that also what names the request is the same in two answers. */
const REQUEST_ID = 'tenant-walk';

/** The places of a route that take an id. A path parameter that no kind of object is known for fails the walk. */
export function idPlacesOf(route: WalkedRoute): IdPlace[] {
  const isKind = (name: string): name is ObjectKind => (OBJECT_KINDS as readonly string[]).includes(name);
  const inPath = paramNamesOf(route).map((name): IdPlace => {
    if (!isKind(name)) throw new Error(`${route.url}: give each tenant an object for ":${name}".`);
    return { in: 'path', name };
  });
  return [
    ...inPath,
    ...route.queryNames.filter(isKind).map((name): IdPlace => ({ in: 'query', name })),
    ...route.bodyNames.filter(isKind).map((name): IdPlace => ({ in: 'body', name })),
  ];
}

function paramNamesOf({ url, operationId }: WalkedRoute): string[] {
  // Those of Bull Board name jobs, which belong to nobody but operators.
  return operationId === null ? [] : [...url.matchAll(/:(\w+)/g)].map(([, name = '']) => name);
}

/**
 * A whole and valid request of a route.
 *
 * @param about whose objects it names where the route does not work without
 * @param place the one place that names something else
 */
export function buildRequest(
  route: WalkedRoute,
  headers: Readonly<Record<string, string>>,
  about: Tenant,
  place: (IdPlace & { readonly id: string }) | null = null,
): InjectOptions & { readonly method: string; readonly url: string } {
  const idOf = (kind: ObjectKind) => about.ids[kind][0] ?? '';
  const inPath = (name: string) => {
    if (place?.in === 'path' && place.name === name) return place.id;
    return (OBJECT_KINDS as readonly string[]).includes(name) ? idOf(name as ObjectKind) : 'any';
  };
  const path = route.url.replaceAll(/:(\w+)/g, (_, name: string) => inPath(name)).replace('*', 'any');
  const sample =
    route.takesBody && route.operationId !== null
      ? sampleBodyOf(route.operationId, {
          customerServerId: idOf('customerServerId'),
          vendorId: idOf('vendorId'),
        })
      : undefined;
  const payload = place?.in === 'body' ? { ...sample, [place.name]: place.id } : sample;
  return {
    method: route.method,
    url: place?.in === 'query' ? `${path}?${place.name}=${place.id}` : path,
    headers: { ...headers, 'x-request-id': REQUEST_ID },
    ...(payload !== undefined && { payload }),
  };
}

export async function inject(app: FastifyInstance, request: InjectOptions): Promise<WalkedAnswer> {
  const { statusCode, headers, body } = await app.inject(request);
  const { date: _date, ...stable } = headers;
  return { status: statusCode, headers: stable, body };
}

/** A well-formed id that nothing ever had. */
export function unknownId(): string {
  return createId();
}
