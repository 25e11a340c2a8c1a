import { findFreePorts } from '@vendor-server/platform/network/find-free-ports.ts';
import { expect, onTestFinished, test, vi } from 'vitest';
import { isPortTaken } from './is-port-taken.ts';
import { startProcess } from './start-process.ts';
import { waitUntilAnswering } from './wait-until-answering.ts';

const FIXTURE = new URL('./start-process.fixture.ts', import.meta.url);

async function startFixture(...args: string[]) {
  const [port = 0] = await findFreePorts(1);
  const [status = '200', ...faults] = args;
  const running = startProcess({
    name: 'fixture',
    url: FIXTURE,
    args: [status, String(port), ...faults],
    env: {},
    output: 'inherit',
  });
  onTestFinished(() => void running.child.kill('SIGKILL'));
  const wait = (timeoutMs = 10_000, signal = new AbortController().signal) =>
    waitUntilAnswering(running, { url: `http://127.0.0.1:${port}/readyz`, timeoutMs, signal });
  return { running, port, wait };
}

test('waits until the process answers, and stops it', async () => {
  const { running, port, wait } = await startFixture('200');
  await wait();
  expect(await isPortTaken('127.0.0.1', port)).toBe(true);
  await running.stop();
  expect(await running.ended).toBe('exit code 0');
  expect(await isPortTaken('127.0.0.1', port)).toBe(false);
});

test('says how a process ended that should have answered', async () => {
  const { wait } = await startFixture('200', 'exit');
  await expect(wait()).rejects.toThrow('The fixture process ended while it started (exit code 3).');
});

test('says what it answered when time is up', async () => {
  const { port, wait } = await startFixture('503');
  await vi.waitFor(async () => expect((await fetch(`http://127.0.0.1:${port}`)).status).toBe(503), 10_000);
  await expect(wait(100)).rejects.toThrow('was not ready after 0.1 s: status 503');
});

test('stops waiting when told to', async () => {
  const { wait } = await startFixture('503');
  const controller = new AbortController();
  const waiting = wait(60_000, controller.signal);
  controller.abort();
  await expect(waiting).rejects.toThrow('abort');
});

test('findFreePorts finds different ones', async () => {
  const ports = await findFreePorts(5);
  expect(new Set(ports).size).toBe(5);
});
