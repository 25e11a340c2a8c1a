import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../testing/test-database.ts';
import { createNotificationListener } from './create-notification-listener.ts';

let subject: TestDatabase;
beforeAll(async () => {
  subject = await createTestDatabase();
});
afterAll(() => subject.drop());

function listen(url = subject.url) {
  const received: string[] = [];
  const onListening = vi.fn<() => void>();
  const logger = { warn: vi.fn<() => void>(), info: vi.fn<() => void>() };
  const listener = createNotificationListener({
    url,
    channel: 'test_channel',
    applicationName: 'test-listener',
    logger,
    onNotification: (payload) => void received.push(payload),
    onListening,
  });
  onTestFinished(() => listener.close());
  return { received, onListening, logger, listener };
}

const notify = (payload: string) =>
  subject.database.pool.query(`select pg_notify('test_channel', $1)`, [payload]);

async function killListeners(): Promise<void> {
  await subject.database.pool.query(
    `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'test-listener'
      and datname = current_database()`,
  );
}

test('hears what is notified, and goes on after its connection was cut', async () => {
  const { received, onListening, logger } = listen();
  await vi.waitFor(() => expect(onListening).toHaveBeenCalledTimes(1), { timeout: 5_000 });
  await notify('first');
  await vi.waitFor(() => expect(received).toEqual(['first']), { timeout: 5_000 });
  await killListeners();
  await vi.waitFor(() => expect(onListening).toHaveBeenCalledTimes(2), { timeout: 10_000 });
  await notify('second');
  await vi.waitFor(() => expect(received).toEqual(['first', 'second']), { timeout: 5_000 });
  expect(logger.warn).toHaveBeenCalledOnce();
  expect(logger.info).toHaveBeenCalledOnce();
});

test('a database that is away is asked again, and closing does not wait for it', async () => {
  const { onListening, logger, listener } = listen('postgresql://nobody@127.0.0.1:1/nothing');
  await vi.waitFor(() => expect(logger.warn).toHaveBeenCalledOnce(), { timeout: 5_000 });
  await listener.close();
  expect(onListening).not.toHaveBeenCalled();
});
