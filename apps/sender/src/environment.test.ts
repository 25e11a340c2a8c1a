/** What variables of the process could change for others must not change where and how webhooks go. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createReceiver } from '@vendor-server/e2e/receiver/create-receiver.ts';
import { expect, it, onTestFinished } from 'vitest';

const FIXTURE = fileURLToPath(new URL('./testing/send.fixture.ts', import.meta.url));
const readPem = (name: string) => readFileSync(new URL(`./testing/${name}`, import.meta.url), 'utf8');

async function receiverForTest(tls?: { key: string; cert: string }) {
  const receiver = await createReceiver(tls === undefined ? {} : { tls });
  onTestFinished(() => receiver.close());
  return receiver;
}

it('a proxy that the environment names is not used, and certificates are checked whatever it says', async () => {
  const proxy = await receiverForTest();
  const plain = await receiverForTest();
  const tls = {
    key: readPem('self-signed-test-key.pem'),
    cert: readPem('self-signed-test-certificate.pem'),
  };
  const secure = await receiverForTest(tls);
  const proxyUrl = proxy.url('');
  const names = ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'https_proxy', 'ALL_PROXY', 'all_proxy'];
  const env = {
    ...process.env,
    ...Object.fromEntries(names.map((name) => [name, proxyUrl])),
    NO_PROXY: '',
    no_proxy: '',
    NODE_USE_ENV_PROXY: '1',
    NODE_OPTIONS: '--use-env-proxy --insecure-http-parser --no-warnings',
    NODE_TLS_REJECT_UNAUTHORIZED: '0',
  };
  const args = [FIXTURE, plain.url('/hook'), secure.url('/hook')];
  const { stdout } = await promisify(execFile)(process.execPath, args, { env });

  expect(JSON.parse(stdout)).toMatchObject([
    { outcome: 'acknowledged' },
    { outcome: 'tls_failed', responseStatus: null },
  ]);
  expect(plain.requests).toHaveLength(1);
  expect(secure.requests).toHaveLength(0);
  expect(proxy.connections).toBe(0);
});
