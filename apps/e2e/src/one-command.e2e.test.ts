/** `npm start`, `npm run listen` and `npm run demo`, as the README has them, on a machine with nothing set up. */
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { createCaller } from './system/create-caller.ts';
import { startNpmScript, waitForText } from './system/start-npm-script.ts';
import type { RunningProcess } from './system/start-process.ts';
import { cancelOrder, createOrder } from './system/walk-order.ts';

type Defer = (end: () => void | Promise<void>) => void;

const RUNNING = /Vendor Server is running/;
const DEVELOPMENT_SECRET = 'development-customer-secret';

async function createDirectory(defer: Defer): Promise<string> {
  const directory = await mkdtemp(path.join(tmpdir(), 'vendor-server-e2e-'));
  // Root runs PostgreSQL as another account, which has to get in.
  await chmod(directory, 0o755);
  defer(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** Starts a command that is ended with the test if it was not before. */
function run(defer: Defer, ...command: Parameters<typeof startNpmScript>): RunningProcess {
  const started = startNpmScript(...command);
  defer(() => started.kill());
  return started;
}

/** The processes behind `npm start`: each says in the log who it is, PostgreSQL in its own file. */
async function findProcessIds(directory: string): Promise<Map<string, number>> {
  const log = await readFile(path.join(directory, 'vendor-server.log'), 'utf8');
  const ids = new Map<string, number>();
  for (const line of log.trim().split('\n')) {
    const { name, pid } = JSON.parse(line) as { name: string; pid: number };
    ids.set(name, pid);
  }
  const postmaster = await readFile(path.join(directory, 'postgres/postmaster.pid'), 'utf8');
  return ids.set('postgres', Number(postmaster.split('\n')[0]));
}

function listAlive(ids: Map<string, number>): string[] {
  return [...ids].filter(([, pid]) => isAlive(pid)).map(([name]) => name);
}

/** What a failed test leaves behind. */
function killAll(ids: Map<string, number>): void {
  for (const pid of ids.values()) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe.concurrent('with nothing configured', { timeout: 120_000 }, () => {
  test('npm start serves, Ctrl-C stops everything, and the next start has the data', async ({
    onTestFinished,
  }) => {
    const directory = await createDirectory(onTestFinished);
    const env = { HOME: directory, VENDOR_SERVER_DATA_DIR: directory, PORT: '0' };
    const first = run(onTestFinished, 'start', env);
    await waitForText(first, RUNNING);
    const firstUrl = await waitForText(first, /^ +API +(http:\S+)$/m);
    const credential = { 'x-customer-secret': DEVELOPMENT_SECRET };
    const orderId = await createOrder(createCaller(() => firstUrl, credential));
    await waitForText(first, /"Customer webhook URL not configured"/);

    const firstIds = await findProcessIds(directory);
    onTestFinished(() => killAll(firstIds));
    expect(listAlive(firstIds).sort()).toEqual(['api', 'postgres', 'start', 'worker']);
    const rival = run(onTestFinished, 'start', env);
    expect(await rival.ended).toBe('exit code 1');
    expect(rival.log.text).toContain(`The database in ${directory} is in use by another process`);
    expect(listAlive(firstIds)).toHaveLength(4);
    first.signal('SIGINT', 'group');
    await first.ended;
    expect(listAlive(firstIds)).toEqual([]);

    const listener = run(onTestFinished, 'listen', { HOME: directory }, [
      '--port',
      '0',
      '--secret',
      DEVELOPMENT_SECRET,
    ]);
    const webhookUrl = await waitForText(listener, /CUSTOMER_WEBHOOK_URL=(\S+)/);
    const second = run(onTestFinished, 'start', { ...env, CUSTOMER_WEBHOOK_URL: webhookUrl });
    await waitForText(second, RUNNING);
    const secondUrl = await waitForText(second, /^ +API +(http:\S+)$/m);
    await cancelOrder(
      createCaller(() => secondUrl, credential),
      orderId,
    );
    await waitForText(listener, new RegExp(`${orderId}[^]*cancelled|cancelled[^]*${orderId}`));

    // As when its terminal is closed by force: nobody is left to say goodbye to the others.
    const secondIds = await findProcessIds(directory);
    onTestFinished(() => killAll(secondIds));
    second.signal('SIGKILL', 'group');
    await vi.waitFor(() => expect(listAlive(secondIds)).toEqual([]), { timeout: 30_000, interval: 50 });
  });

  test('npm start fails when its PostgreSQL dies, and leaves nothing running', async ({ onTestFinished }) => {
    const directory = await createDirectory(onTestFinished);
    const env = { HOME: directory, VENDOR_SERVER_DATA_DIR: directory, PORT: '0' };
    const started = run(onTestFinished, 'start', env);
    await waitForText(started, RUNNING);
    const ids = await findProcessIds(directory);
    process.kill(Number(ids.get('postgres')), 'SIGKILL');
    expect(await started.ended).toBe('exit code 1');
    expect(started.log.text).toContain('The embedded PostgreSQL ended');
    expect(listAlive(ids)).toEqual([]);
  });

  test('npm run demo shows an order from creation to completion', async ({ onTestFinished }) => {
    const directory = await createDirectory(onTestFinished);
    const demo = run(onTestFinished, 'demo', { HOME: directory, TMPDIR: directory });
    expect(await demo.ended).toBe('exit code 0');
    expect(demo.log.text).toContain('All webhooks arrived, in order.');
  });
});
