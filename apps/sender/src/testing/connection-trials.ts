/** Everything that can keep a request from reaching an endpoint. */
import type { AttemptReason } from '@vendor-server/domain/deliveries/attempt-reasons.ts';
import { createNameResolver } from '../create-name-resolver.ts';
import { type NameForTest, nameServerForTest } from './name-server-for-test.ts';
import { namesForTest } from './sender-for-test.ts';
import type { Target, Trial } from './trial.ts';
import {
  type Answer,
  bareServer,
  type CertificateName,
  certificate,
  tlsWireServer,
  wireServer,
} from './wire-server.ts';

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n';
/** TLS records with a fatal alert (RFC 8446 §6). */
const alert = (description: number) => Buffer.from([0x15, 0x03, 0x03, 0, 2, 2, description]);
const HANDSHAKE_FAILURE = 40;
const PROTOCOL_VERSION = 70;

const trial = (reason: AttemptReason, name: string, prepare: Trial['prepare']): Trial => ({
  reason,
  name,
  prepare,
});

const CONNECTIONS: readonly Trial[] = [
  trial('connection_refused', 'nobody listens', () => ({ url: 'http://127.0.0.1:1/' })),
  trial('network_unreachable', 'an address of broadcasts', () => ({ url: 'http://127.255.255.255/' })),
  trial('connection_refused', 'port 0', () => ({ url: 'http://127.0.0.1:0/' })),
  trial('blocked_address', 'an inner network', () => ({ url: 'http://10.0.0.1/' })),
  trial('blocked_address', 'a name of an inner network', () => ({
    url: 'http://hook.test/',
    sender: namesForTest({ 'hook.test': [['127.0.0.1', '10.0.0.1']] }),
  })),
  trial('not_connected', 'a name that is still looked up', () => ({
    url: 'http://hook.test/',
    withinMs: 200,
    sender: { resolveName: () => new Promise(() => {}) },
  })),
  trial('not_connected', 'a TLS handshake that is not answered', async () => {
    const server = await bareServer(() => {});
    return { ...under('https', '127.0.0.1', server), withinMs: 300, requests: 0 };
  }),
  trial('not_sent', 'a deadline that has passed', async () => {
    const server = await wireServer(OK);
    return { url: server.url, server, withinMs: -1, requests: 0 };
  }),
];

/** A name server of the test's own is asked. */
function named(reason: AttemptReason, name: string, known: Record<string, NameForTest>): Trial {
  return trial(reason, name, async () => {
    const { address } = await nameServerForTest(known);
    const resolveName = createNameResolver({ hostsPath: '/dev/null', servers: [address], tryTimeoutMs: 100 });
    return { url: 'http://hook.test/', sender: { resolveName } };
  });
}

const NAMES: readonly Trial[] = [
  named('name_not_found', 'a name that does not exist', {}),
  named('name_without_address', 'a name without addresses', { 'hook.test': {} }),
  named('name_server_failed', 'SERVFAIL', { 'hook.test': { ipv4: 'SERVFAIL', ipv6: 'SERVFAIL' } }),
  named('name_server_failed', 'REFUSED', { 'hook.test': { ipv4: 'REFUSED', ipv6: 'REFUSED' } }),
  named('name_server_failed', 'SERVFAIL for one family', { 'hook.test': { ipv4: 'SERVFAIL' } }),
  named('dns_timed_out', 'no answer', { 'hook.test': { ipv4: 'silence', ipv6: 'silence' } }),
];

const NAME = 'receiver.test';
const resolved = namesForTest({ [NAME]: [['127.0.0.1']], 'other.test': [['127.0.0.1']] });

function under(scheme: string, host: string, server: NonNullable<Target['server']>): Target {
  return { url: `${scheme}://${host}:${server.port}/`, server, sender: resolved };
}

function withCertificate(reason: AttemptReason, of: CertificateName, host = NAME): Trial {
  return trial(reason, `certificate ${of} at ${host}`, async () => {
    const server = await tlsWireServer(certificate(of), OK);
    return {
      ...under('https', host, server),
      requests: reason === 'accepted' ? 1 : 0,
      isKept: reason === 'accepted',
    };
  });
}

function inHandshake(reason: AttemptReason, name: string, greet: Answer): Trial {
  return trial(reason, name, async () => ({
    ...under('https', NAME, await bareServer(greet)),
    requests: 0,
  }));
}

const TLS: readonly Trial[] = [
  withCertificate('accepted', 'valid'),
  withCertificate('certificate_expired', 'expired'),
  withCertificate('certificate_not_yet_valid', 'not-yet-valid'),
  withCertificate('certificate_wrong_name', 'valid', 'other.test'),
  withCertificate('certificate_wrong_name', 'valid', '127.0.0.1'),
  withCertificate('certificate_not_accepted', 'not-for-servers'),
  inHandshake('tls_version_not_supported', 'a server of an old version', (socket) =>
    socket.end(alert(PROTOCOL_VERSION)),
  ),
  inHandshake('tls_handshake_failed', 'no common cipher', (socket) => socket.end(alert(HANDSHAKE_FAILURE))),
  inHandshake('tls_handshake_failed', 'closed', (socket) => socket.end()),
  inHandshake('tls_handshake_failed', 'reset', (socket) =>
    socket.once('data', () => socket.resetAndDestroy()),
  ),
  inHandshake('plaintext_on_tls_port', 'HTTP', (socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')),
  inHandshake('plaintext_on_tls_port', 'a mail server', (socket) => socket.write('220 mail.test ESMTP\r\n')),
];

export const CONNECTION_TRIALS: readonly Trial[] = [...CONNECTIONS, ...NAMES, ...TLS];
