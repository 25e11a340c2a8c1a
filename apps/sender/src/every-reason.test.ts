/** Each row of the table of reasons, tried against real sockets through the sender that webhooks go through. */
import { readFileSync } from 'node:fs';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import {
  ATTEMPT_REASON_CODES,
  type AttemptReason,
  ruleOf,
} from '@vendor-server/domain/deliveries/attempt-reasons.ts';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { ANSWER_TRIALS } from './testing/answer-trials.ts';
import { CONNECTION_TRIALS } from './testing/connection-trials.ts';
import { namesForTest, requestTo, senderForTest } from './testing/sender-for-test.ts';
import type { Trial } from './testing/trial.ts';
import { certificate, TEST_AUTHORITY, tlsWireServer, type WireServer } from './testing/wire-server.ts';
import { toConnectFailure } from './to-attempt-failure.ts';

const TRIALS: readonly Trial[] = [...ANSWER_TRIALS, ...CONNECTION_TRIALS];
/** What only a network can do; the operating system's code is all there is of it. */
const BY_CODE: readonly [code: string, reason: AttemptReason][] = [
  ['ETIMEDOUT', 'connect_timed_out'],
  ['EHOSTUNREACH', 'host_unreachable'],
  ['ENETUNREACH', 'network_unreachable'],
  ['EACCES', 'connection_failed'],
  ['EPIPE', 'connection_reset'],
];
/** Tried below, each in its own way. */
const TRIED_ALONE: readonly AttemptReason[] = [
  'certificate_self_signed',
  'certificate_issuer_unknown',
  'client_certificate_required',
];
/** No sender ends with these: our own processes do. */
const OURS: readonly AttemptReason[] = ['interrupted', 'own_fault'];

const systemAuthorities = getCACertificates();
const trustTestAuthority = () => setDefaultCACertificates([...systemAuthorities, TEST_AUTHORITY]);
beforeAll(trustTestAuthority);
afterAll(() => setDefaultCACertificates(systemAuthorities));

test('every row of the table has a trial', () => {
  const tried = [...TRIALS.map(({ reason }) => reason), ...BY_CODE.map(([, reason]) => reason)];
  expect(new Set([...tried, ...TRIED_ALONE, ...OURS])).toEqual(new Set(ATTEMPT_REASON_CODES));
});

/** @returns the reason of the result, once all else of it was found right */
async function run({ reason, name, prepare }: Trial): Promise<AttemptReason> {
  const target = await prepare();
  const result = await senderForTest(target.sender).send(requestTo(target.url, target.withinMs));

  const { outcome } = ruleOf(reason);
  expect({ name, ...result }).toMatchObject({ name, outcome, reason });
  if (outcome === 'acknowledged') expect(result.error).toBeNull();
  else expect(result.error).toMatch(new RegExp(`^(${reason}|${outcome}): [A-Z].*\\.$`));
  expect(result.error ?? '').not.toMatch(/127\.0|test-token|:\d/);
  expect(result.responseExcerpt?.length ?? 0).toBeLessThanOrEqual(1024);

  if (target.server === undefined) return result.reason;
  const { counts } = target.server;
  await expect.poll(() => counts.open, { message: name }).toBe(target.isKept ? 1 : 0);
  expect({ name, requests: counts.requests }).toEqual({ name, requests: target.requests ?? 1 });
  return result.reason;
}

describe('an attempt ends with', () => {
  const quick = TRIALS.filter(({ takesTime }) => !takesTime);
  test.each(quick.map((trial) => [trial.reason, trial.name, trial] as const))(
    '%s: %s',
    async (reason, _name, trial) => {
      expect(await run(trial)).toBe(reason);
    },
  );

  test('what the table says also where a limit of ours ends it', async () => {
    const slow = TRIALS.filter(({ takesTime }) => takesTime);
    expect(new Set(slow.map(({ reason }) => reason))).toEqual(new Set(['accepted', 'no_answer']));
    expect(await Promise.all(slow.map(run))).toEqual(slow.map(({ reason }) => reason));
  });
});

describe('a certificate', () => {
  const names = namesForTest({ 'receiver.test': [['127.0.0.1']] });
  const sendTo = (server: WireServer) =>
    senderForTest(names).send(requestTo(`https://receiver.test:${server.port}/`));

  test('that signs itself is told from one whose issuer is not known', async () => {
    const selfSigned = await tlsWireServer({
      key: readFileSync(new URL('./testing/self-signed-test-key.pem', import.meta.url)),
      cert: readFileSync(new URL('./testing/self-signed-test-certificate.pem', import.meta.url)),
    });
    const valid = certificate('valid');
    const withAuthority = await tlsWireServer({ ...valid, cert: valid.cert + TEST_AUTHORITY });
    setDefaultCACertificates(systemAuthorities);
    onTestFinished(trustTestAuthority);
    // Only now, because a server adds to its chain what its own process trusts.
    const alone = await tlsWireServer(valid);
    expect(await sendTo(selfSigned)).toMatchObject({ reason: 'certificate_self_signed' });
    for (const server of [alone, withAuthority]) {
      expect(await sendTo(server)).toMatchObject({ reason: 'certificate_issuer_unknown' });
    }
    for (const { counts } of [selfSigned, alone, withAuthority]) expect(counts.requests).toBe(0);
  });

  test('of ours may be asked for, which we have not', async () => {
    const server = await tlsWireServer({
      ...certificate('valid'),
      ca: TEST_AUTHORITY,
      requestCert: true,
      rejectUnauthorized: true,
    });
    // The refusal comes after the handshake, and may be lost where the reset of the connection overtakes it.
    await expect.poll(async () => (await sendTo(server)).reason).toBe('client_certificate_required');
    expect(server.counts.requests).toBe(0);
  });
});

test.each([
  ['HOSTNAME_MISMATCH', 'certificate_wrong_name'],
  ['UNABLE_TO_GET_ISSUER_CERT', 'certificate_issuer_unknown'],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'certificate_issuer_unknown'],
  ['ERR_SSL_UNSUPPORTED_PROTOCOL', 'tls_version_not_supported'],
  ['CERT_REVOKED', 'certificate_not_accepted'],
  ['ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE', 'tls_handshake_failed'],
])('the code %s of a handshake is %s', (code, reason) => {
  expect(toConnectFailure(code, true)).toMatchObject({ reason, outcome: 'tls_failed' });
});

test.each(BY_CODE)('the code %s of the network is %s', (code, reason) => {
  expect(toConnectFailure(code, false)).toMatchObject({ reason, outcome: 'connection_failed' });
});
