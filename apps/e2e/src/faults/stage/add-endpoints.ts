import { addCustomerServer, type CustomerServer } from '../../system/add-customer-server.ts';
import type { System } from '../../system/create-system.ts';

/** An endpoint that a stage's changes go to. */
export interface StageEndpoint {
  readonly customerServer: CustomerServer;
  readonly endpointId: string;
  readonly path: string;
  readonly signingSecret: string;
  /** Given to it over and over while it is not broken. */
  readonly window: number;
  /** Its receiver accepts everything at once. */
  readonly isGood: boolean;
}

/** The shortest there is, so that a lease is over after five and a half seconds. */
export const TIMEOUT_MS = 500;
/** Enough of them that a machine with too much to do fails nothing. */
export const RETRY_DELAYS_MS = [100, 200, 400, 800, 1_600];
const DELETED_ENDPOINTS = 4;

type Place = Pick<StageEndpoint, 'path' | 'window' | 'isGood'> & {
  readonly mode?: 'latest_only';
  readonly statuses?: readonly string[];
};

/** What each of two customer servers has, by what is special about it. */
const PLACES: readonly (readonly Place[])[] = [
  [
    { path: '/wide', window: 64, isGood: true },
    // One attempt that nobody ends yet holds up all of it: more than these would not drain in time.
    { path: '/narrow', window: 1, isGood: true, statuses: ['pending', 'arrival_confirmed'] },
    { path: '/shaky', window: 4, isGood: false },
  ],
  [
    { path: '/paused', window: 16, isGood: true },
    { path: '/latest', window: 2, isGood: true, mode: 'latest_only' },
    ...Array.from({ length: DELETED_ENDPOINTS }, (_, n) => ({
      path: `/deleted-${n}`,
      window: 16,
      isGood: true,
      // One has lanes to be cancelled; the others, that there is somebody to be deleted for as long as it goes.
      ...(n > 0 && { statuses: ['pending', 'completed'] }),
    })),
  ],
];

/** Two customer servers with all their endpoints. @param timeoutMs of each attempt */
export async function addEndpoints(
  system: System,
  urlOf: (path: string) => string,
  timeoutMs = TIMEOUT_MS,
): Promise<StageEndpoint[]> {
  const perServer = await Promise.all(PLACES.map((places) => addServer(system, urlOf, places, timeoutMs)));
  return perServer.flat();
}

async function addServer(
  system: System,
  urlOf: (path: string) => string,
  [first, ...others]: readonly Place[],
  timeoutMs: number,
): Promise<StageEndpoint[]> {
  if (first === undefined) throw new Error('A customer server has an endpoint.');
  const customerServer = await addCustomerServer(system, urlOf(first.path));
  const { endpointId, signingSecret } = customerServer;
  const preferences = { timeoutMs, retryDelaysMs: RETRY_DELAYS_MS };
  await customerServer.ask('PATCH', `/api/external/webhook-endpoints/${endpointId}`, preferences);
  const added: StageEndpoint[] = [{ customerServer, endpointId, signingSecret, ...first }];
  for (const { mode = 'every_step', statuses, ...place } of others) {
    const created = await customerServer.ask<{ endpointId: string; signingSecret: string }>(
      'POST',
      '/api/external/webhook-endpoints',
      { url: urlOf(place.path), mode, statuses, ...preferences },
    );
    added.push({ customerServer, ...created, ...place });
  }
  return added;
}
