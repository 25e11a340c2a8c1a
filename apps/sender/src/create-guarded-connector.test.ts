import { readFileSync } from 'node:fs';
import { getCACertificates, setDefaultCACertificates, TLSSocket } from 'node:tls';
import { createReceiver, type Receiver } from '@vendor-server/e2e/receiver/create-receiver.ts';
import { respond, respondThenClose } from '@vendor-server/e2e/receiver/steps.ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { namesForTest, requestTo, senderForTest } from './testing/sender-for-test.ts';

const readFixture = (name: string) => readFileSync(new URL(`./testing/${name}`, import.meta.url), 'utf8');
const key = readFixture('self-signed-test-key.pem');
const cert = readFixture('self-signed-test-certificate.pem');

describe('an endpoint given by its address', () => {
  let receiver: Receiver;

  beforeEach(async () => {
    // IPv6's "any" address takes connections to every IPv4 and IPv6 address of this machine.
    receiver = await createReceiver({ host: '::' });
  });

  afterEach(() => receiver.close());

  it.each([
    '127.0.0.1',
    '127.1',
    '2130706433',
    '0x7f000001',
    '0x7f.0.0.0x1',
    '017700000001',
    '0177.0.0.01',
    '127.0.0.1.',
    '%31%32%37.0.0.1',
    '１２７.0.0.1',
    '0',
    '0.0.0.0',
    '[::1]',
    '[::]',
    '[0:0:0:0:0:0:0:1]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[::127.0.0.1]',
  ])('that is our own machine, spelled %s, sees no connection', async (host) => {
    for (const scheme of ['http', 'https']) {
      const result = await senderForTest({ allowedNetworks: [] }).send(
        requestTo(`${scheme}://${host}:${receiver.port}/`),
      );
      expect(result).toMatchObject({
        outcome: 'blocked_address',
        error: expect.stringMatching(/^blocked_address: /),
      });
      expect(result.error).not.toContain('127');
    }
    expect(receiver.connections).toBe(0);
  });

  it.each(['127.0.0.1', '2130706433', '0x7f.1', '[::ffff:127.0.0.1]'])(
    'in an allowed network is reached, spelled %s',
    async (host) => {
      const sender = senderForTest({ allowedNetworks: ['127.0.0.0/8'] });
      const result = await sender.send(requestTo(`http://${host}:${receiver.port}/`));
      expect(result).toMatchObject({ outcome: 'acknowledged' });
    },
  );

  it.each([
    '10.1.2.3',
    '169.254.169.254',
    '192.168.0.1',
    '100.64.0.1',
    '[fe80::1]',
    '[fd00::1]',
    '[64:ff9b::7f00:1]',
  ])('of an inner network is refused before anything is sent: %s', async (host) => {
    const result = await senderForTest().send(requestTo(`http://${host}/`));
    expect(result).toMatchObject({ outcome: 'blocked_address' });
  });
});

describe('an endpoint given by its name', () => {
  let allowed: Receiver;
  let forbidden: Receiver;

  beforeEach(async () => {
    allowed = await createReceiver({ host: '127.0.0.2' });
    forbidden = await createReceiver({ host: '127.0.0.1', port: allowed.port });
  });

  afterEach(() => Promise.all([allowed.close(), forbidden.close()]));

  const onlyAllowed = { allowedNetworks: ['127.0.0.2/32'] };
  const url = () => `http://hook.test:${allowed.port}/`;

  it('is reached by a checked address, under its own name', async () => {
    const names = namesForTest({ 'hook.test': [['127.0.0.2']] });
    const result = await senderForTest({ ...onlyAllowed, ...names }).send(requestTo(url()));
    expect(result).toMatchObject({ outcome: 'acknowledged' });
    expect(allowed.requests[0]!.header('host')).toBe(`hook.test:${allowed.port}`);
  });

  it('is reached by a further address when the first refuses', async () => {
    await forbidden.close();
    const names = namesForTest({ 'hook.test': [['127.0.0.1', '127.0.0.2']] });
    const result = await senderForTest({ ...names }).send(requestTo(url()));
    expect(result).toMatchObject({ outcome: 'acknowledged' });
    expect(allowed.requests).toHaveLength(1);
  });

  it.each([
    ['leads to a forbidden address', ['127.0.0.1']],
    ['leads to an allowed and a forbidden one', ['127.0.0.2', '127.0.0.1']],
    ['leads to a forbidden one behind IPv6', ['127.0.0.2', '::ffff:127.0.0.1']],
    ['leads to what is no address', ['127.0.0.2', 'localhost']],
  ])('that %s is refused, and nobody sees a connection', async (_name, addresses) => {
    const names = namesForTest({ 'hook.test': [addresses] });
    const result = await senderForTest({ ...onlyAllowed, ...names }).send(requestTo(url()));
    expect(result).toMatchObject({ outcome: 'blocked_address' });
    expect([allowed.connections, forbidden.connections]).toEqual([0, 0]);
  });

  it('that is bound to another address after the check does not get there', async () => {
    allowed.answer('/', respondThenClose(200));
    const names = namesForTest({ 'hook.test': [['127.0.0.2'], ['127.0.0.1']] });
    const sender = senderForTest({ ...onlyAllowed, ...names });

    expect(await sender.send(requestTo(url()))).toMatchObject({ outcome: 'acknowledged' });
    expect(names.asked).toEqual(['hook.test']);
    await expect.poll(() => allowed.openConnections).toBe(0);

    expect(await sender.send(requestTo(url()))).toMatchObject({ outcome: 'blocked_address' });
    expect(names.asked).toEqual(['hook.test', 'hook.test']);
    expect(allowed.requests).toHaveLength(1);
    expect(forbidden.connections).toBe(0);
  });

  it('keeps its connection, and so its checked address, while it is used', async () => {
    const names = namesForTest({ 'hook.test': [['127.0.0.2'], ['127.0.0.1']] });
    const sender = senderForTest({ ...onlyAllowed, ...names, maxConnectionsPerOrigin: 1 });
    for (let n = 0; n < 3; n += 1) {
      expect(await sender.send(requestTo(url()))).toMatchObject({ outcome: 'acknowledged' });
    }
    expect(names.asked).toEqual(['hook.test']);
    expect(allowed.connections).toBe(1);
  });

  it('cannot send us on to a forbidden address', async () => {
    allowed.answer('/', respond(308, { headers: { location: forbidden.url('/inner') } }));
    const names = namesForTest({ 'hook.test': [['127.0.0.2']] });
    const result = await senderForTest({ ...onlyAllowed, ...names }).send(requestTo(url()));
    expect(result).toMatchObject({ outcome: 'redirected', responseStatus: 308 });
    expect(forbidden.connections).toBe(0);
  });
});

describe('an endpoint under TLS', () => {
  let receiver: Receiver;
  const systemCertificates = getCACertificates();
  const names = () =>
    namesForTest({
      'receiver.test': [['127.0.0.1']],
      'receiver.test.': [['127.0.0.1']],
      'other.test': [['127.0.0.1']],
    });
  const url = (name: string) => `https://${name}:${receiver.port}/hook`;

  beforeEach(async () => {
    receiver = await createReceiver({ tls: { key, cert } });
  });

  afterEach(async () => {
    setDefaultCACertificates(systemCertificates);
    await receiver.close();
  });

  it('with a certificate nobody vouches for gets no request', async () => {
    const result = await senderForTest(names()).send(requestTo(url('receiver.test')));
    expect(result).toMatchObject({
      outcome: 'tls_failed',
      error: expect.stringMatching(/^certificate_self_signed: .*\(DEPTH_ZERO_SELF_SIGNED_CERT\)\.$/),
    });
    expect(receiver.requests).toHaveLength(0);
  });

  it('is asked for by name, and checked against it', async () => {
    setDefaultCACertificates([...systemCertificates, cert]);
    const sender = senderForTest(names());
    for (const host of ['receiver.test', 'receiver.test.']) {
      expect(await sender.send(requestTo(url(host)))).toMatchObject({ outcome: 'acknowledged' });
      expect(receiver.requests.at(-1)!.header('host')).toBe(`${host}:${receiver.port}`);
    }
    for (const host of ['other.test', '127.0.0.1']) {
      expect(await sender.send(requestTo(url(host)))).toMatchObject({
        outcome: 'tls_failed',
        error: expect.stringContaining('ERR_TLS_CERT_ALTNAME_INVALID'),
      });
    }
    expect(receiver.serverNames).toEqual(['receiver.test', 'receiver.test', 'other.test']);
    expect(receiver.requests).toHaveLength(2);
  });

  it('resumes its session on the next connection', async () => {
    setDefaultCACertificates([...systemCertificates, cert]);
    const resumed: boolean[] = [];
    receiver.answer('/hook', (answering) => {
      if (answering.socket instanceof TLSSocket) resumed.push(answering.socket.isSessionReused());
      return respondThenClose(200)(answering);
    });
    const sender = senderForTest(names());
    for (let n = 0; n < 2; n += 1) {
      expect(await sender.send(requestTo(url('receiver.test')))).toMatchObject({ outcome: 'acknowledged' });
      await expect.poll(() => receiver.openConnections).toBe(0);
    }
    expect(resumed).toEqual([false, true]);
  });

  it('that speaks plain HTTP there is told so', async () => {
    const plain = await createReceiver();
    const result = await senderForTest().send(requestTo(plain.url('/').replace('http:', 'https:')));
    expect(result).toMatchObject({
      outcome: 'tls_failed',
      error: expect.stringMatching(/^plaintext_on_tls_port: /),
    });
    await plain.close();
  });
});
