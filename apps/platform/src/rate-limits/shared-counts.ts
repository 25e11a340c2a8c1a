import { Redis } from 'ioredis';
import type { Logger } from 'pino';

/** Uses by one caller that the other processes do not know of yet. */
export interface NewUses {
  readonly key: string;
  readonly count: number;
  /** How long the window lasts that these uses begin, when they begin one. */
  readonly windowMs: number;
}

/** What all processes together have counted. */
export interface SharedCount {
  /** Uses in the window, the new ones included. */
  readonly used: number;
  readonly endsInMs: number;
}

export interface SharedCounts {
  /** Without a connection `add` would send nothing. */
  isConnected(): boolean;
  /** One answer for each, in their order; rejects within half a second when they cannot be counted. */
  add(uses: readonly NewUses[]): Promise<SharedCount[]>;
  close(): void;
}

/** Found in `redis-cli` by an operator who asks what these are. Keys name callers by id, never by a secret. */
const KEY_PREFIX = 'vendor-server:rate-limit:';

/**
 * A key lives as long as its window. In one script, because a key that expired between counting and reading
 * would be left without an end.
 */
const ADD_USES = `
  local answer = {}
  for index, key in ipairs(KEYS) do
    local used = redis.call('INCRBY', key, ARGV[2 * index - 1])
    local endsIn = redis.call('PTTL', key)
    if endsIn < 0 then
      endsIn = tonumber(ARGV[2 * index])
      redis.call('PEXPIRE', key, endsIn)
    end
    answer[2 * index - 1] = used
    answer[2 * index] = endsIn
  end
  return answer`;

/** Connects to the Redis that processes count in together. Never fails and never waits. */
export function connectSharedCounts(redisUrl: string, logger: Pick<Logger, 'debug'>): SharedCounts {
  const connection = new Redis(redisUrl, {
    // Nobody's request waits for this: what cannot be counted now is not worth counting later.
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    connectTimeout: 500,
    commandTimeout: 500,
    // A connection that died without a word is replaced, not asked again for ever.
    socketTimeout: 1_500,
    retryStrategy: (times) => Math.min(times * 50, 1_000),
    keyPrefix: KEY_PREFIX,
    connectionName: 'vendor-server-rate-limit',
  });
  connection.on('error', (error) => logger.debug({ err: error }, 'Redis connection of the rate limits lost'));

  return {
    isConnected: () => connection.status === 'ready',
    async add(uses) {
      if (uses.length === 0) return [];
      const keys = uses.map(({ key }) => key);
      const counts = uses.flatMap(({ count, windowMs }) => [count, windowMs]);
      const answer: unknown = await connection.eval(ADD_USES, keys.length, ...keys, ...counts);
      if (!Array.isArray(answer)) throw new TypeError('Redis did not answer with counts');
      return uses.map((_, index) => ({
        used: Number(answer[2 * index]),
        endsInMs: Number(answer[2 * index + 1]),
      }));
    },
    close: () => connection.disconnect(),
  };
}
