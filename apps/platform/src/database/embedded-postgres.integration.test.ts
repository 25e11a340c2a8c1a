import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, test, vi } from 'vitest';
import { readPostmasterFile } from './embedded/postmaster-file.ts';
import {
  type EmbeddedPostgres,
  type EmbeddedPostgresOptions,
  startEmbeddedPostgres,
} from './embedded-postgres.ts';
import { withClient } from './with-client.ts';

const FIXTURE = fileURLToPath(new URL('embedded-postgres.fixture.ts', import.meta.url));
const AS_ROOT = process.getuid?.() === 0;
/** Also a busy machine ends a server in this time. */
const GONE = { timeout: 15_000, interval: 20 };

type Defer = (end: () => Promise<void>) => void;

/** A data directory of one test, and what it starts there; both go with the test. */
async function createPlace(defer: Defer) {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'vendor-server-embedded-'));
  await chmod(dataDir, 0o755);
  const clusterDir = path.join(dataDir, 'postgres');
  const started: EmbeddedPostgres[] = [];
  const children: ChildProcess[] = [];
  defer(async () => {
    await Promise.all(started.map((postgres) => postgres.stop()));
    for (const child of children) child.kill('SIGKILL');
    await vi.waitFor(async () => expect(await readPostmasterFile(clusterDir)).toBeNull(), GONE);
    await rm(dataDir, { recursive: true });
  });

  return {
    dataDir,
    clusterDir,
    started,
    children,

    /** These servers crash, but the machine does not: waiting for its disk would only take time. */
    async start(options: Partial<EmbeddedPostgresOptions> = {}): Promise<EmbeddedPostgres> {
      const postgres = await startEmbeddedPostgres({
        dataDir,
        serverSettings: { fsync: 'off' },
        ...options,
      });
      started.push(postgres);
      return postgres;
    },

    async startInAnotherProcess(end: 'stay' | 'leave') {
      const child = spawn(process.execPath, [FIXTURE, dataDir, end], {
        detached: true,
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      children.push(child);
      const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
      const nextLine = async () => String((await lines.next()).value);
      return { child, nextLine, url: await nextLine() };
    },

    async serverPid(): Promise<number> {
      const file = await readPostmasterFile(clusterDir);
      if (file === null) throw new Error('No server is running.');
      return file.pid;
    },
  };
}

const addRow = (url: string) =>
  withClient(url, async (client) => {
    await client.query('create table if not exists kept (id int)');
    await client.query('insert into kept values (1)');
  });

const countRows = (url: string) =>
  withClient(url, async (client) => (await client.query('select * from kept')).rowCount);

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe.concurrent('an embedded PostgreSQL', { timeout: 60_000 }, () => {
  test('is a PostgreSQL on 127.0.0.1 only that keeps what it committed, whoever starts it', async ({
    onTestFinished,
  }) => {
    const { clusterDir, start } = await createPlace(onTestFinished);
    const { url } = await start({ serverSettings: {} });
    const settings = await withClient(url, async (client) => {
      const { rows } = await client.query<{ name: string; setting: string }>(
        `select name, setting from pg_settings
       where name in ('listen_addresses', 'unix_socket_directories', 'fsync', 'synchronous_commit', 'server_encoding')`,
      );
      return Object.fromEntries(rows.map(({ name, setting }) => [name, setting]));
    });
    expect(settings).toEqual({
      listen_addresses: '127.0.0.1',
      unix_socket_directories: '',
      fsync: 'on',
      synchronous_commit: 'on',
      server_encoding: 'UTF8',
    });
    // PostgreSQL runs under an account other than root's, and the files are its own.
    const files = await stat(clusterDir);
    expect(files.uid === 0).toBe(false);
    expect(files.mode & 0o077).toBe(0);
  });

  test('keeps its data and its password between starts, and lets nobody in without that', async ({
    onTestFinished,
  }) => {
    const { start } = await createPlace(onTestFinished);
    const first = await start();
    const onEnd = vi.fn();
    void first.ended.then(onEnd);
    await addRow(first.url);
    await first.stop();
    await first.stop();
    const second = await start();
    expect(onEnd).not.toHaveBeenCalled();
    expect(await countRows(second.url)).toBe(1);
    expect(new URL(second.url).password).toBe(new URL(first.url).password);
    expect(new URL(first.url).password).toMatch(/^[\w-]{32}$/);

    const guess = new URL(second.url);
    guess.password = 'guessed';
    await expect(countRows(guess.href)).rejects.toThrow('password authentication failed');
  });

  describe('one data directory', () => {
    test('has one server: a second start is refused and says what to do', async ({ onTestFinished }) => {
      const { dataDir, serverPid, start } = await createPlace(onTestFinished);
      const { url } = await start();
      await expect(start()).rejects.toThrow(
        `The database in ${dataDir} is in use by another process (PostgreSQL's process id is ${await serverPid()}): ` +
          'stop that one, or set VENDOR_SERVER_DATA_DIR to another directory.',
      );
      await addRow(url);
    });

    test('has one server when two starts make it at once', async ({ onTestFinished }) => {
      const { start, started } = await createPlace(onTestFinished);
      const results = await Promise.allSettled([start(), start()]);
      const refusals = results.flatMap((result) =>
        result.status === 'rejected' ? [String(result.reason)] : [],
      );
      expect(refusals).toEqual([expect.stringContaining('is in use by another process')]);
      expect(started).toHaveLength(1);
    });

    test('that holds something else is left alone', async ({ onTestFinished }) => {
      const { clusterDir, start } = await createPlace(onTestFinished);
      await writeFile(clusterDir, 'not a directory');
      await expect(start()).rejects.toThrow('cannot enter');
      expect(await readFile(clusterDir, 'utf8')).toBe('not a directory');
    });
  });

  describe('a server whose process is gone', () => {
    test('by SIGKILL ends too, and the next start has what was committed', async ({ onTestFinished }) => {
      const { serverPid, start, startInAnotherProcess } = await createPlace(onTestFinished);
      const { child, url } = await startInAnotherProcess('stay');
      await addRow(url);
      const pid = await serverPid();
      child.kill('SIGKILL');
      const next = await start();
      expect(await serverPid()).not.toBe(pid);
      expect(await countRows(next.url)).toBe(1);
    });

    test('by SIGKILL ends in order, without anybody starting it again', async ({ onTestFinished }) => {
      const { clusterDir, serverPid, startInAnotherProcess } = await createPlace(onTestFinished);
      const { child } = await startInAnotherProcess('stay');
      const pid = await serverPid();
      child.kill('SIGKILL');
      await vi.waitFor(() => expect(isAlive(pid)).toBe(false), GONE);
      expect(await readFile(path.join(clusterDir, 'server.log'), 'utf8')).toContain(
        'database system is shut down',
      );
    });

    test('because it had nothing more to do ends too, and did not keep it', async ({ onTestFinished }) => {
      const { clusterDir, startInAnotherProcess } = await createPlace(onTestFinished);
      const { child } = await startInAnotherProcess('leave');
      if (child.exitCode === null) await once(child, 'exit');
      expect(child.exitCode).toBe(0);
      await vi.waitFor(async () => expect(await readPostmasterFile(clusterDir)).toBeNull(), GONE);
    });
  });

  test('Ctrl-C reaches the process and not the server, so that work in flight can end', async ({
    onTestFinished,
  }) => {
    const { startInAnotherProcess } = await createPlace(onTestFinished);
    const { child, nextLine, url } = await startInAnotherProcess('stay');
    process.kill(-Number(child.pid), 'SIGINT');
    expect(await nextLine()).toBe('interrupted');
    await addRow(url);
    expect(await countRows(url)).toBe(1);
  });

  describe('after a crash of the server', () => {
    test('the loss is told and logged, and the next start recovers what was committed', async ({
      onTestFinished,
    }) => {
      const { serverPid, start } = await createPlace(onTestFinished);
      const logger = { info: vi.fn(), error: vi.fn() };
      const crashed = await start({ logger });
      await addRow(crashed.url);
      process.kill(await serverPid(), 'SIGKILL');
      await crashed.ended;
      expect(logger.error).toHaveBeenCalledOnce();
      const next = await start();
      expect(await countRows(next.url)).toBe(1);
    });

    test("a process id that is now another program's does not count as a server", async ({
      onTestFinished,
    }) => {
      const { children, clusterDir, start } = await createPlace(onTestFinished);
      const first = await start();
      await addRow(first.url);
      const file = path.join(clusterDir, 'postmaster.pid');
      const left = await readFile(file, 'utf8');
      await first.stop();
      const { uid, gid } = await stat(clusterDir);
      // This program lives as the same account, as after a reboot on a developer's machine.
      const other = spawn('/bin/sleep', ['60'], { ...(AS_ROOT && { uid, gid }) });
      children.push(other);
      await writeFile(file, left.replace(/^\d+/, String(other.pid)));
      const next = await start();
      expect(await countRows(next.url)).toBe(1);
    });
  });

  test.runIf(AS_ROOT)(
    'as root, data that its account could not reach goes where it can',
    async ({ onTestFinished }) => {
      const { clusterDir, dataDir, start } = await createPlace(onTestFinished);
      await chmod(dataDir, 0o700);
      const first = await start();
      await addRow(first.url);
      await first.stop();
      const actual = await realpath(clusterDir);
      expect(path.dirname(actual)).toBe('/var/lib/vendor-server');
      const second = await start();
      expect(await countRows(second.url)).toBe(1);
      await second.stop();
      await rm(actual, { recursive: true });
    },
  );
});
