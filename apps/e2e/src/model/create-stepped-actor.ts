/**
 * An actor of the model: production code whose statements go to a connection of its own, each of them only when the
 * runner lets it go on.
 *
 * - A statement that writes in a transaction of its own is two steps, the statement and its commit: what others do
 *   between what it saw and its commit is where the races are.
 * - One thing at a time: what the code begins side by side (two looks, a look and an add) it does here one after the
 *   other, in the order in which it was begun. So whoever stands at a step has nothing under way.
 * - An actor that dies stands at its step for ever; what it had open is rolled back, as the server does for a
 *   connection that is lost.
 */
import type { SqlExecutor } from '@vendor-server/platform/database/sql-executor.ts';
import type { Turn } from '@vendor-server/platform/testing/interleave.ts';
import type { Party } from '@vendor-server/platform/testing/party.ts';
import type pg from 'pg';

/** What a task does its work with. */
export interface Hands {
  readonly actor: string;
  /** Of one connection; hand-written SQL only. */
  readonly pool: pg.Pool;
  /** Something that is no statement and where others can come before it all the same. */
  inTurn<Result>(what: string, work: () => Result | Promise<Result>): Promise<Result>;
}

/** May change a statement on its way, for tests of the tests. */
export type Rewrite = (statement: { readonly name: string; readonly text: string }) => string;

export interface SteppedActor extends Turn {
  readonly name: string;
  /** What it is about; null when it is idle. */
  readonly task: string | null;
  /** The step it stands at; null when it is idle, or waits for a lock. */
  readonly at: string | null;
  /** Resolves when the task stands at its first step, or has ended. */
  begin(task: string, work: (hands: Hands) => Promise<void>): Promise<void>;
  /** Lets it go on; resolves when it stands at the next one, or has ended. */
  step(): Promise<void>;
  /** From now on it stands nowhere; resolves when it has ended. */
  finish(): Promise<void>;
  /** Only of one that stands at a step. */
  die(): Promise<void>;
}

interface Life {
  readonly task: string;
  isFree: boolean;
  at: { readonly what: string; go(): void } | null;
  /** Resolves when it stands at a step, or has ended; rejects with what the task throws. */
  arrival: PromiseWithResolvers<void>;
  end: Promise<void>;
}

/** Statements that nobody's doing can change. */
const NEVER_STOPPED = /^(begin|rollback|set local )/;
const WRITES = /\b(update|insert|delete)\b/;

export interface SentStatement {
  readonly name: string;
  readonly text: string;
  readonly values: readonly unknown[];
}

export interface SteppedActorOptions {
  readonly rewrite: Rewrite;
  /**
   * Sends a statement whose turn has come, with whatever the test wants to ask right before or after.
   *
   * @param executor the connection that it goes to, and the transaction that it is part of
   */
  readonly around: (
    statement: SentStatement,
    executor: SqlExecutor,
    send: () => Promise<pg.QueryResult>,
  ) => Promise<pg.QueryResult>;
}

export function createSteppedActor(party: Party, options: SteppedActorOptions): SteppedActor {
  const { client, name } = party;
  let life: Life | null = null;

  /** Resolves when the runner lets this life go on; never for one that died. */
  async function stop(of: Life, what: string): Promise<void> {
    if (of.isFree) return;
    const turn = Promise.withResolvers<void>();
    of.at = { what, go: turn.resolve };
    of.arrival.resolve();
    await turn.promise;
  }

  async function send(of: Life, config: pg.QueryConfig<unknown[]>): Promise<pg.QueryResult> {
    const name = config.name ?? config.text;
    const text = options.rewrite({ name, text: config.text });
    if (!NEVER_STOPPED.test(text)) await stop(of, name);
    const statement = { name, text, values: config.values ?? [] };
    return options.around(statement, client, () => client.query({ ...config, text }));
  }

  async function sendAlone(of: Life, config: pg.QueryConfig<unknown[]>): Promise<pg.QueryResult> {
    if (!WRITES.test(config.text)) return send(of, config);
    await send(of, { text: 'begin' });
    try {
      const result = await send(of, config);
      await send(of, { text: 'commit' });
      return result;
    } catch (error) {
      await send(of, { text: 'rollback' });
      throw error;
    }
  }

  function createHands(of: Life): Hands {
    let last = Promise.resolve();
    async function takeHand(): Promise<() => void> {
      const before = last;
      const mine = Promise.withResolvers<void>();
      last = mine.promise;
      await before;
      return mine.resolve;
    }
    async function withHand<Result>(work: () => Result | Promise<Result>): Promise<Result> {
      const letGo = await takeHand();
      try {
        return await work();
      } finally {
        letGo();
      }
    }
    const toConfig = (statement: string | pg.QueryConfig<unknown[]>, values?: unknown[]) =>
      typeof statement === 'string' ? { text: statement, values: values ?? [] } : statement;

    const pool = {
      query: (statement: string | pg.QueryConfig<unknown[]>, values?: unknown[]) =>
        withHand(() => sendAlone(of, toConfig(statement, values))),
      async connect() {
        const letGo = await takeHand();
        return {
          query: (statement: string | pg.QueryConfig<unknown[]>, values?: unknown[]) =>
            send(of, toConfig(statement, values)),
          release: letGo,
        };
      },
    };
    return {
      actor: name,
      pool: pool as unknown as pg.Pool,
      inTurn: (what, work) =>
        withHand(async () => {
          await stop(of, what);
          return work();
        }),
    };
  }

  async function live(of: Life, work: (hands: Hands) => Promise<void>): Promise<void> {
    try {
      await work(createHands(of));
      of.arrival.resolve();
    } catch (error) {
      of.arrival.reject(error);
      throw error;
    } finally {
      if (life === of) life = null;
    }
  }

  return {
    name,
    open: null,
    party,
    get task() {
      return life?.task ?? null;
    },
    get at() {
      return life?.at?.what ?? null;
    },
    async begin(task, work) {
      if (life !== null) throw new Error(`${name} is busy`);
      const arrival = Promise.withResolvers<void>();
      const born: Life = { task, isFree: false, at: null, arrival, end: Promise.resolve() };
      life = born;
      born.end = live(born, work);
      // Whoever awaits the arrival is told.
      born.end.catch(() => undefined);
      await arrival.promise;
    },
    async step() {
      const at = life?.at ?? null;
      if (life === null || at === null) throw new Error(`${name} stands at no step`);
      life.at = null;
      life.arrival = Promise.withResolvers();
      const { promise } = life.arrival;
      at.go();
      await promise;
    },
    async finish() {
      if (life === null) return;
      life.isFree = true;
      life.arrival.promise.catch(() => undefined);
      const { end, at } = life;
      life.at = null;
      at?.go();
      await end;
    },
    async die() {
      if (life === null || life.at === null) throw new Error(`${name} stands at no step`);
      life = null;
      await client.query('rollback');
    },
  };
}
