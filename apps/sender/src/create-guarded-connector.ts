import {
  connect as connectTcp,
  isIP,
  type LookupFunction,
  type Socket,
  type TcpNetConnectOpts,
} from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { buildConnector } from 'undici';
import { AttemptFailure, notConnectedInTime } from './attempt-failure.ts';
import type { ResolveName } from './create-name-resolver.ts';
import { createSessionCache, type SessionCache } from './create-session-cache.ts';
import { codeOf, toConnectFailure } from './to-attempt-failure.ts';
import { watchAnswers } from './watch-answers.ts';

/*
 * Why nothing gets past the guard:
 * - Every socket of the sender is opened by `openSocket` here: undici asks its connector for each one, and the
 *   agent has no other way to the network (no proxy, no redirect handling, no HTTP/2, no upgrade).
 * - What is checked is what is connected to. A host is either an IP literal, which Node connects to as it stands,
 *   or a name, for which Node is given the checked addresses by `lookup` and asks nobody else. A second DNS
 *   answer (rebinding) is never asked for: a new connection resolves and checks anew, an old one keeps its peer.
 * - Odd spellings (decimal, octal, hex, short IPv4, IPv4 in IPv6) are gone before: the URL parser writes IPv4 in
 *   its one form, the check itself unwraps IPv6, and what is not an IP literal goes through the resolver.
 * - All addresses of a name must be allowed. One that is not refuses the name, also when others are: otherwise
 *   whoever owns the name could retry until the connection goes where he wants it.
 * - The check allow-lists (public unicast and the configured networks), so what nobody thought of is refused.
 * - Nothing of the environment changes any of this: proxies, certificate checks and resolvers that variables of the
 *   process name are not looked at, only a certificate authority that `NODE_EXTRA_CA_CERTS` adds.
 */

export interface GuardedConnectorOptions {
  isAllowed: (address: string) => boolean;
  resolveName: ResolveName;
  /** Told of each attempt to connect, synchronously; `abandon` ends it and does nothing once it has ended. */
  onAttempt: (abandon: () => void) => void;
}

export interface GuardedConnector {
  connect: buildConnector.connector;
  /** Ends every attempt to connect that is under way. */
  close(): void;
}

/** No endpoint's time-out is longer than this, so whoever waited for the connection has gone. */
const CONNECT_LIMIT_MS = 10_000;
/** Node tries the next address after 250 ms by default, too soon for a server on another continent. */
const NEXT_ADDRESS_AFTER_MS = 1_000;
/** More addresses could not be tried within an attempt's time. */
const MAX_ADDRESSES = 10;

/** The connector of the sender's agent: resolves, checks, then connects over TCP or TLS. */
export function createGuardedConnector(options: GuardedConnectorOptions): GuardedConnector {
  const sessions = createSessionCache();
  const underWay = new Set<() => void>();

  async function addressesOf(hostname: string): Promise<readonly string[]> {
    const addresses = isIP(hostname) === 0 ? await options.resolveName(hostname) : [hostname];
    if (addresses.every(options.isAllowed)) return addresses.slice(0, MAX_ADDRESSES);
    throw new AttemptFailure(
      'blocked_address',
      "The endpoint's host leads to an address that webhooks may not reach.",
    );
  }

  return {
    connect(target, callback) {
      let socket: Socket | null = null;
      let ended = false;
      const end = (failure: Error | null) => {
        if (ended) return;
        ended = true;
        clearTimeout(limit);
        underWay.delete(abandon);
        if (failure === null && socket !== null) return callback(null, socket);
        socket?.destroy();
        callback(failure ?? notConnectedInTime(), null);
      };
      const abandon = () => end(notConnectedInTime());
      const limit = setTimeout(abandon, CONNECT_LIMIT_MS);
      underWay.add(abandon);
      options.onAttempt(abandon);

      addressesOf(target.hostname)
        .then((addresses) => {
          if (!ended) socket = openSocket(target, addresses, sessions, end);
        })
        .catch((error: unknown) => {
          end(error instanceof Error ? error : new Error('connecting failed', { cause: error }));
        });
    },
    close() {
      for (const abandon of underWay) abandon();
    },
  };
}

function openSocket(
  target: buildConnector.Options,
  addresses: readonly string[],
  sessions: SessionCache,
  end: (failure: Error | null) => void,
): Socket {
  const secure = target.protocol === 'https:';
  const port = target.port === '' ? (secure ? 443 : 80) : Number(target.port);
  const tcp: TcpNetConnectOpts = {
    host: target.hostname,
    port,
    lookup: answerWith(addresses),
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: NEXT_ADDRESS_AFTER_MS,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: 60_000,
  };
  let tcpConnected = false;
  const socket = secure
    ? connectTls({
        ...tcp,
        ALPNProtocols: ['http/1.1'],
        // Said here because NODE_TLS_REJECT_UNAUTHORIZED=0 is what it would be otherwise.
        rejectUnauthorized: true,
        // RFC 6066 §3: no final dot, and no name for an IP literal, which is what the certificate must then name.
        ...(isIP(target.hostname) === 0 ? { servername: target.hostname.replace(/\.$/, '') } : {}),
        ...sessions.resume(`${target.hostname}:${port}`),
      })
    : connectTcp(tcp);
  watchAnswers(socket);
  socket.once('connect', () => {
    tcpConnected = true;
    if (!secure) end(null);
  });
  socket.once('secureConnect', () => end(null));
  socket.on('error', (error) => {
    end(toConnectFailure(codeOf(error) ?? 'unknown', tcpConnected));
    // TLS goes on after an alert, and undici would then report the end that follows it, and not why it came.
    socket.destroy();
  });
  socket.once('close', () => end(toConnectFailure('ECONNRESET', tcpConnected)));
  if (secure) socket.on('session', (session: Buffer) => sessions.keep(`${target.hostname}:${port}`, session));
  return socket;
}

/** A `lookup` for one connection that knows its checked addresses and asks nobody. */
function answerWith(addresses: readonly string[]): LookupFunction {
  const answers = addresses.map((address) => ({ address, family: isIP(address) }));
  return (_hostname, { all }, callback) => {
    const first = answers[0];
    if (all || first === undefined) callback(null, answers);
    else callback(null, first.address, first.family);
  };
}
