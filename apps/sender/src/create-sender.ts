import type { AttemptResult } from '@vendor-server/domain/deliveries/attempt-result.ts';
import { parseNetworks } from '@vendor-server/domain/endpoints/address-class.ts';
import { Agent, Pool } from 'undici';
import { createAddressGuard } from './create-address-guard.ts';
import { createGuardedConnector } from './create-guarded-connector.ts';
import { createNameResolver, type ResolveName } from './create-name-resolver.ts';
import { createTurns } from './create-turns.ts';
import { Exchange } from './exchange.ts';
import { createOwnAddresses, type OwnAddresses } from './own-addresses.ts';
import { MAX_HEADER_BYTES } from './watch-answers.ts';

export interface SenderOptions {
  /** CIDRs that may be reached besides public addresses. */
  allowedNetworks: readonly string[];
  /** Further requests to the same origin wait, and spend their deadline; so not below what may be in flight. */
  maxConnectionsPerOrigin: number;
}

export interface SendRequest {
  /** An `http:` or `https:` URL. */
  url: string;
  headers: Record<string, string>;
  body: string;
  /**
   * When the response headers must be in, as a `performance.now()` of this process, in ms. (Those count, too, that come
   * after it and before its turn to be ended.)
   */
  deadline: number;
}

export interface Sender {
  /**
   * Makes one POST, at most once, to an address that webhooks may reach. Redirects are not followed and bodies
   * not decompressed. The status counts once the response headers are in; then up to 64 KiB of the body are read
   * for at most 2 s, and the rest is cut. Whatever an endpoint does is a result.
   *
   * @returns the outcome; `durationMs` is the time to the response headers or to the failure
   * @throws {SenderClosedError} after or because of `close`
   * @throws for a URL or headers that cannot be sent: the fault is ours
   */
  send(request: SendRequest): Promise<AttemptResult>;
  /** Cuts every connection, also those in use: callers wait for their sends first. */
  close(): Promise<void>;
}

/** What a sender takes from its surroundings. */
export interface SenderParts {
  resolveName: ResolveName;
  ownAddresses: OwnAddresses;
  /** A monotonic clock in ms that does not stand still while the process is stopped. */
  now: () => number;
}

const KEEP_ALIVE_MS = 4_000;
/** However long a server offers to keep a connection: idle ones of endpoints that fell silent are closed soon. */
const KEEP_ALIVE_MAX_MS = 30_000;
/**
 * What an endpoint is sent in one moment it leaves unanswered in one moment, and each such end tears a socket down. Of
 * 160 the last one waits for 0.6 s, of 1 000 for 1.2 and of 65 536, as many as a worker may have on its way, for 2.5: the lease
 * of a delivery leaves 3 after its deadline.
 */
const UNANSWERED_TURNS = { perTurn: 4, pauseMs: 20, oneIn: 16 };

/** The one way to customers' endpoints, for deliveries and for the webhook test. */
export function createSender(options: SenderOptions): Sender {
  return createSenderFrom(options, {
    resolveName: createNameResolver(),
    ownAddresses: createOwnAddresses(),
    now: () => performance.now(),
  });
}

/** A sender with its surroundings given; `createSender` takes those of the system. */
export function createSenderFrom(options: SenderOptions, parts: SenderParts): Sender {
  /** The exchange being dispatched in this very turn: undici opens a connection for it before `dispatch` returns. */
  let dispatching: Exchange | null = null;
  const takeTurn = createTurns(UNANSWERED_TURNS);
  const connector = createGuardedConnector({
    isAllowed: createAddressGuard(parseNetworks(options.allowedNetworks), parts.ownAddresses),
    resolveName: parts.resolveName,
    onAttempt: (abandon) => dispatching?.holdConnecting(abandon),
  });
  const agent = new Agent({
    connect: connector.connect,
    // Agent would make a bare Client for one connection, where a failed connect fails all who wait for it.
    factory: (origin, poolOptions) => new Pool(origin, poolOptions),
    connections: options.maxConnectionsPerOrigin,
    pipelining: 1,
    allowH2: false,
    maxHeaderSize: MAX_HEADER_BYTES,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: KEEP_ALIVE_MAX_MS,
    // The exchange has its own limits, which are exact and span DNS to headers.
    headersTimeout: 0,
    bodyTimeout: 0,
  });

  return {
    async send({ url, headers, body, deadline }): Promise<AttemptResult> {
      const { origin, pathname, search, protocol } = new URL(url);
      if (protocol !== 'http:' && protocol !== 'https:') throw new TypeError(`Not an HTTP URL: ${protocol}`);
      const exchange = new Exchange(deadline, parts.now, takeTurn);
      if (exchange.begin()) {
        dispatching = exchange;
        try {
          agent.dispatch({ origin, path: pathname + search, method: 'POST', headers, body }, exchange);
        } finally {
          dispatching = null;
        }
      }
      return exchange.result;
    },
    async close() {
      const closed = agent.destroy();
      connector.close();
      await closed;
    },
  };
}
