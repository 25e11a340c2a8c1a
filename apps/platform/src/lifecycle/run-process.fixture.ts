import { setTimeout as delay } from 'node:timers/promises';
import { createLogger } from '../logging/create-logger.ts';
import { runProcess } from './run-process.ts';

/** A process for tests: what it does wrong is its first argument. */
const fault = process.argv[2];

await runProcess({
  logger: createLogger({ logLevel: 'info', logFile: null }, { name: 'fixture' }),
  stopDeadlineMs: fault === 'late' ? 50 : 10_000,
  start: async (lifecycle) => {
    if (fault === 'start') throw new Error('test fault at start');
    await lifecycle.start(
      'server',
      () => setInterval(() => {}, 1_000),
      async (timer) => {
        if (fault === 'late' || fault === 'slow') await delay(60_000);
        clearInterval(timer);
        process.stdout.write('server stopped\n');
      },
    );
    process.stdout.write('ready\n');
    if (fault === 'throw')
      setImmediate(() => {
        throw new Error('test fault later');
      });
    if (fault === 'reject') void Promise.reject(new Error('test fault later'));
  },
});
