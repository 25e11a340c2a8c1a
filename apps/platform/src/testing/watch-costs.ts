import { setImmediate } from 'node:timers/promises';
import { Redis } from 'ioredis';
import pg from 'pg';
import { vi } from 'vitest';
import { monitorRedis } from './monitor-redis.ts';

/** What this process asked of its database and its queue, in order. */
export interface Costs {
  /** Each is one round trip: its name, or its text where it has none. */
  readonly statements: readonly string[];
  /** Those of them that were sent while a transaction was open: each of these costs two more. */
  readonly inTransactions: readonly string[];
  /** Of Redis, each with its keys: a script's, as they are named in the queue, or the first. What a script calls is not counted. */
  readonly commands: readonly string[];
}

export interface CostWatch {
  /** What `run` costs, and what it leaves to be done by a pool that was idle before. */
  of(run: () => Promise<unknown>): Promise<Costs>;
  close(): void;
}

/**
 * Statements are counted where every client of this process sends them, Prisma's and the queue's included; commands by
 * Redis itself.
 *
 * @param pool whose work is waited for
 * @param redisUrl null: no queue's commands are counted
 */
export async function createCostWatch(pool: pg.Pool, redisUrl: string | null): Promise<CostWatch> {
  const commands: string[] = [];
  const redis = redisUrl === null ? null : new Redis(redisUrl);
  let onMark: (mark: string) => void = () => undefined;
  const monitor =
    redisUrl === null
      ? null
      : await monitorRedis(redisUrl, (name, args) => {
          if (name === 'echo') onMark(args[0] ?? '');
          else commands.push(toLine(name, args));
        });
  let marks = 0;

  /** Until Redis has told of everything before now. */
  async function drainMonitor(): Promise<void> {
    if (redis === null) return;
    marks += 1;
    const mark = `mark ${marks}`;
    const seen = new Promise<void>((resolve) => {
      onMark = (text) => {
        if (text === mark) resolve();
      };
    });
    await redis.echo(mark);
    await seen;
  }

  async function untilIdle(): Promise<void> {
    for (let quiet = 0; quiet < 3; quiet += 1) {
      await setImmediate();
      if (pool.idleCount < pool.totalCount || pool.waitingCount > 0) quiet = -1;
    }
  }

  return {
    async of(run) {
      await untilIdle();
      await drainMonitor();
      commands.length = 0;
      const query = vi.spyOn(pg.Client.prototype, 'query');
      try {
        await run();
        await untilIdle();
        await drainMonitor();
        const sent = query.mock.calls.map(([statement]) => nameOf(statement));
        return {
          statements: sent,
          inTransactions: findInTransactions(sent, query.mock.contexts),
          commands: [...commands],
        };
      } finally {
        query.mockRestore();
      }
    },
    close() {
      monitor?.close();
      redis?.disconnect();
    },
  };
}

/** As `pg` takes it: a text, a statement, or one that is under way already. */
function nameOf(statement: unknown): string {
  if (typeof statement === 'string') return statement;
  const { name, text } = statement as { name?: string; text?: string };
  return name ?? text ?? 'unknown';
}

/** @param clients over which each was sent */
function findInTransactions(sent: readonly string[], clients: readonly unknown[]): string[] {
  const open = new Set<unknown>();
  return sent.filter((statement, index) => {
    const client = clients[index];
    const isInside = open.has(client);
    if (statement.startsWith('begin')) open.add(client);
    if (/^(commit|rollback)$/.test(statement)) open.delete(client);
    return isInside && open.has(client);
  });
}

/** A script is known by what it is given: its keys, of which BullMQ's have the queue's name before them. */
function toLine(name: string, args: readonly string[]): string {
  if (name !== 'evalsha' && name !== 'eval') return [name, args[0] ?? ''].join(' ').trim();
  return [
    name,
    ...args.slice(2, 2 + Number(args[1] ?? 0)).map((key) => key.replace(/^bull:deliveries:/, '')),
  ].join(' ');
}
