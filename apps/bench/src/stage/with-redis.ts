import { Redis } from 'ioredis';

/** Opens one connection for `use` and closes it afterwards. Where nobody answers, it rejects at once and says why. */
export async function withRedis<Result>(
  url: string,
  use: (client: Redis) => Promise<Result>,
): Promise<Result> {
  const client = new Redis(url, { connectTimeout: 5_000, lazyConnect: true, retryStrategy: () => null });
  let lost: Error | null = null;
  // What is asked of it afterwards only rejects with "Connection is closed".
  client.on('error', (error: Error) => {
    lost = error;
  });
  try {
    await client.connect();
    return await use(client);
  } catch (error) {
    throw lost ?? error;
  } finally {
    client.disconnect();
  }
}

/** Removes all that is in it: it was empty before the bench, and nobody else is to use it. */
export async function emptyRedis(url: string): Promise<void> {
  await withRedis(url, (client) => client.flushdb());
}
