/**
 * Every route is walked with what must not open it. The routes are those that the app registers, and what is put
 * into a request follows from a route's own schemas: a new route is walked without being named here.
 *
 * Each refusal is asked for twice, about something that is there and about an id that nothing ever had, and the two
 * answers must be the same to the byte. What the database holds is compared before and after, and no answer may hold
 * a text of the tenant that it is about.
 */
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestApi, type TestApi } from '../testing/create-test-api.ts';
import { openEventStream } from '../testing/open-event-stream.ts';
import { addTenant, type Tenant } from '../testing/tenants/add-tenant.ts';
import { collectRoutes, type WalkedRoute } from '../testing/tenants/collect-routes.ts';
import {
  buildRequest,
  type IdPlace,
  idPlacesOf,
  inject,
  unknownId,
  type WalkedAnswer,
} from '../testing/tenants/create-walk.ts';
import { digestTables } from '../testing/tenants/digest-tables.ts';
import {
  type Credential,
  expectedRefusal,
  isWrongFor,
  rightCredentials,
  wrongCredentials,
} from '../testing/tenants/refused-credentials.ts';

/** Routes of an audience of many tenants; partners are one caller, and so are operators. */
const SHARED_AUDIENCES = ['customer_server', 'vendor', 'webhook_tester'];

let api: TestApi;
let routes: readonly WalkedRoute[];
/** Who must stay unseen. */
let victim: Tenant;
/** Who tries to see, with all it has. */
let caller: Tenant;

beforeAll(async () => {
  const off = { RATE_LIMIT_PER_MINUTE: '0', RATE_LIMIT_VENDOR_PER_MINUTE: '0' };
  api = await createTestApi({ ...off, RATE_LIMIT_WRONG_CREDENTIALS_PER_MINUTE: '0', LOG_LEVEL: 'error' });
  routes = collectRoutes(api.app);
  await api.app.ready();
  victim = await addTenant(api, 'victim-tenant');
  caller = await addTenant(api, 'caller-tenant');
  // The feed places what is new when somebody reads it; it would look like a change by the first reader.
  await api.app.inject({ url: '/api/external/events', headers: caller.server.headers });
});
afterAll(() => api.close());

/** What is wrong in the answers of one route; empty when nothing is. */
type Faults = string[];

const nameOf = ({ method, url }: WalkedRoute) => `${method} ${url}`;
const findShownTexts = ({ body, headers }: WalkedAnswer, texts: readonly string[]) =>
  texts.filter((text) => `${body} ${JSON.stringify(headers)}`.includes(text));

function headersOf({ server, vendor }: Tenant, { audience }: WalkedRoute): Record<string, string> {
  return audience === 'vendor' ? vendor.headers : server.headers;
}

/** Runs `walk` for each route, what deletes last, and names the tables that were changed by one. */
async function walkRoutes(
  chosen: (route: WalkedRoute) => boolean,
  walk: (route: WalkedRoute) => Promise<Faults>,
  ofRowsWith: readonly string[] = [],
): Promise<{ walked: number; faults: Faults }> {
  const deletes = ({ method }: WalkedRoute) => Number(method === 'DELETE');
  const walked = routes.filter(chosen).toSorted((left, right) => deletes(left) - deletes(right));
  const faults: Faults = [];
  let before = await digestTables(api.database.pool, ofRowsWith);
  for (const route of walked) {
    const found = await walk(route);
    const after = await digestTables(api.database.pool, ofRowsWith);
    const changed = Object.keys(after).filter((table) => after[table] !== before[table]);
    before = after;
    if (changed.length > 0) found.push(`changed ${changed.join(', ')}`);
    faults.push(...found.map((fault) => `${nameOf(route)}: ${fault}`));
  }
  return { walked: walked.length, faults };
}

/** The same request about something of the victim's and about nothing. */
async function askTwice(
  route: WalkedRoute,
  headers: Record<string, string>,
  place: IdPlace,
  id: string,
): Promise<{ about: WalkedAnswer; nothing: WalkedAnswer }> {
  const ask = (named: string) =>
    inject(api.app, buildRequest(route, headers, caller, { ...place, id: named }));
  return { about: await ask(id), nothing: await ask(unknownId()) };
}

test('without the credential of its audience no route answers, changes or tells anything', async () => {
  const credentials = [...rightCredentials(victim), ...(await wrongCredentials(api, caller))];
  const { walked, faults } = await walkRoutes(
    ({ audience }) => audience !== 'anyone',
    async (route) => {
      const foreign = credentials.filter((credential) => isWrongFor(route, credential));
      expect(foreign.length).toBeGreaterThan(route.method === 'HEAD' ? 3 : 15);
      const found = await Promise.all(foreign.map((credential) => findRefusalFaults(route, credential)));
      return found.flat();
    },
  );
  expect(faults).toEqual([]);
  expect(walked).toBeGreaterThan(100);
}, 60_000);

async function findRefusalFaults(route: WalkedRoute, { name, headers }: Credential): Promise<Faults> {
  const { audience } = route;
  if (audience === 'anyone') throw new Error(`${route.url} refuses nobody`);
  const [place] = idPlacesOf(route);
  const request = buildRequest(route, headers, victim);
  const about = await inject(api.app, request);
  const nothing =
    place === undefined
      ? about
      : await inject(api.app, buildRequest(route, headers, victim, { ...place, id: unknownId() }));
  const expected = JSON.stringify({
    ok: false,
    error: expectedRefusal(audience, headers),
    code: 'unauthorized',
    requestId: 'tenant-walk',
  });
  const faults: Faults = [];
  if (Object.keys(headers).length === 0 && !isDeepStrictEqual(about, await askBadly(request))) {
    faults.push('tells what is wrong with the request');
  }
  if (about.status !== 401) faults.push(`${about.status}`);
  if (about.body !== (route.method === 'HEAD' ? '' : expected)) faults.push(about.body.slice(0, 500));
  if (!isDeepStrictEqual(about, nothing)) faults.push('tells what is there');
  faults.push(...findShownTexts(about, victim.ownTexts).map((text) => `shows ${text}`));
  return faults.map((fault) => `with ${name}: ${fault}`);
}

/** With a query that no route knows and, where there is a body, one that is no JSON. */
function askBadly({ url, ...request }: ReturnType<typeof buildRequest>): Promise<WalkedAnswer> {
  const body = { headers: { ...request.headers, 'content-type': 'application/json' }, payload: '{' };
  return inject(api.app, { ...request, url: `${url}?no_such=1`, ...('payload' in request && body) });
}

test("another tenant's object is as if it did not exist, wherever a request can name it", async () => {
  let places = 0;
  const { walked, faults } = await walkRoutes(
    (route) => SHARED_AUDIENCES.includes(route.audience) && idPlacesOf(route).length > 0,
    async (route) => {
      const headers = headersOf(caller, route);
      const found: Faults = [];
      for (const place of idPlacesOf(route)) {
        places += 1;
        for (const id of victim.ids[place.name]) {
          const { about, nothing } = await askTwice(route, headers, place, id);
          found.push(
            ...findHiddenFaults(place, about, nothing).map((fault) => `${place.in} ${id}: ${fault}`),
          );
        }
      }
      return found;
    },
  );
  expect(faults).toEqual([]);
  expect(walked).toBeGreaterThan(25);
  expect(places).toBeGreaterThan(25);
});

function findHiddenFaults(place: IdPlace, about: WalkedAnswer, nothing: WalkedAnswer): Faults {
  const faults: Faults = [];
  // A filter that fits nothing gives an empty list.
  const expected = place.in === 'query' ? 200 : 404;
  if (about.status !== expected) faults.push(`${about.status} ${about.body.slice(0, 200)}`);
  if (!isDeepStrictEqual(about, nothing)) faults.push('tells what is there');
  faults.push(...findShownTexts(about, victim.ownTexts).map((text) => `shows ${text}`));
  return faults;
}

test('what a tenant does and reads by itself shows and changes nothing of another', async () => {
  const tenant = await addTenant(api, 'another-tenant');
  const { walked, faults } = await walkRoutes(
    (route) => SHARED_AUDIENCES.includes(route.audience) && !route.isStream,
    async (route) => {
      const answer = await inject(api.app, buildRequest(route, headersOf(tenant, route), tenant));
      const found = findShownTexts(answer, victim.ownTexts).map((text) => `shows ${text}`);
      // What is hidden from others is there for its owner, and the sample is one that the route takes.
      const isUnderstood =
        answer.status < 300 || answer.status === 409 || route.operationId === 'testWebhook';
      if (!isUnderstood) found.push(`its owner is answered ${answer.status} ${answer.body.slice(0, 200)}`);
      return found;
    },
    victim.ownTexts,
  );
  expect(faults).toEqual([]);
  expect(walked).toBeGreaterThan(45);
});

test('a stream shows its reader nothing of another tenant', async () => {
  const base = await api.app.listen({ host: '127.0.0.1', port: 0 });
  const streams = routes.filter(({ isStream }) => isStream);
  expect(streams.length).toBeGreaterThan(0);
  for (const route of streams) {
    for (const [tenant, other] of [
      [caller, victim],
      [victim, caller],
    ] as const) {
      const stream = await openEventStream(`${base}${route.url}`, headersOf(tenant, route));
      await stream.waitForEvents(1);
      stream.close();
      expect(stream.text).toContain(tenant.ids.orderId[1]);
      expect(other.ownTexts.filter((text) => stream.text.includes(text))).toEqual([]);
    }
  }
});

test('what is for anyone is the same for everybody, whatever they send', async () => {
  const { walked, faults } = await walkRoutes(
    ({ audience }) => audience === 'anyone',
    async (route) => {
      const ask = ({ headers }: Pick<Credential, 'headers'>) =>
        inject(api.app, buildRequest(route, headers, victim));
      const anonymous = await ask({ headers: {} });
      const found = findShownTexts(anonymous, victim.ownTexts).map((text) => `shows ${text}`);
      for (const credential of rightCredentials(victim)) {
        const answer = await ask(credential);
        if (!isDeepStrictEqual(answer, anonymous)) found.push(`differs for ${credential.name}`);
      }
      return found;
    },
  );
  expect(faults).toEqual([]);
  expect(walked).toBeGreaterThan(8);
});

test('the operators of all tenants find what the walk named', async () => {
  const tenant = await addTenant(api, 'operated-tenant');
  const { walked, faults } = await walkRoutes(
    ({ audience, operationId }) => ['operator', 'partner'].includes(audience) && operationId !== null,
    async (route) => {
      const [headers] = rightCredentials(tenant).flatMap((each) =>
        each.audiences.includes(route.audience) ? [each.headers] : [],
      );
      const { status, body } = await inject(api.app, buildRequest(route, headers ?? {}, tenant));
      return status < 300 || status === 409 ? [] : [`${status} ${body.slice(0, 200)}`];
    },
    victim.ownTexts,
  );
  expect(faults).toEqual([]);
  expect(walked).toBeGreaterThan(40);
});
