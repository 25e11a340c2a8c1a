import type { StdioOptions } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test, vi } from 'vitest';

const FIXTURE = fileURLToPath(new URL('./run-process.fixture.ts', import.meta.url));

function startFixture(fault: string, stdio: StdioOptions = ['ignore', 'pipe', 'inherit']) {
  const child = spawn(process.execPath, [FIXTURE, fault], { stdio });
  onTestFinished(() => void child.kill('SIGKILL'));
  const { stdout } = child;
  if (!stdout) throw new Error('The fixture needs a pipe as its stdout.');
  let output = '';
  stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  // Not the child's own "close", which never comes after a disconnect by the parent.
  const exited = Promise.all([once(child, 'exit'), once(stdout, 'close')]);
  return {
    child,
    exitCode: async () => (await exited)[0][0] as unknown,
    output: () => output,
    saw: (text: string) => vi.waitFor(() => expect(output).toContain(text), 10_000),
  };
}

describe('runProcess', { timeout: 20_000 }, () => {
  test.each(['SIGTERM', 'SIGINT'] as const)('%s stops the parts and exits 0', async (signal) => {
    const subject = startFixture('none');
    await subject.saw('ready');
    subject.child.kill(signal);
    expect(await subject.exitCode()).toBe(0);
    expect(subject.output()).toContain('server stopped');
  });

  test('a second signal exits at once', async () => {
    const subject = startFixture('slow');
    await subject.saw('ready');
    subject.child.kill('SIGTERM');
    await subject.saw('"Stopping"');
    subject.child.kill('SIGTERM');
    expect(await subject.exitCode()).toBe(143);
    expect(subject.output()).not.toContain('server stopped');
  });

  test('a stop that takes too long exits 1', async () => {
    const subject = startFixture('late');
    await subject.saw('ready');
    subject.child.kill('SIGTERM');
    expect(await subject.exitCode()).toBe(1);
  });

  test('a start that fails exits 1', async () => {
    const subject = startFixture('start');
    expect(await subject.exitCode()).toBe(1);
    expect(subject.output()).toContain('test fault at start');
  });

  test.each(['throw', 'reject'])(
    'an error that nobody caught (%s) is logged, stops the parts and exits 1',
    async (fault) => {
      const subject = startFixture(fault);
      expect(await subject.exitCode()).toBe(1);
      expect(subject.output()).toContain('test fault later');
      expect(subject.output()).toContain('server stopped');
    },
  );

  test('stops when the parent that held its channel is gone', async () => {
    const subject = startFixture('none', ['ignore', 'pipe', 'inherit', 'ipc']);
    await subject.saw('ready');
    subject.child.disconnect();
    expect(await subject.exitCode()).toBe(0);
    expect(subject.output()).toContain('server stopped');
  });

  test('stops when the parent was gone before it had loaded', async () => {
    const subject = startFixture('none', ['ignore', 'pipe', 'inherit', 'ipc']);
    subject.child.disconnect();
    expect(await subject.exitCode()).toBe(0);
  });
});
