/** `npm run demo`: one order from creation to completion, with every webhook shown as it arrives. */
import { openSync, writeSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runProcess } from '@vendor-server/platform/lifecycle/run-process.ts';
import { createLoggerTo } from '@vendor-server/platform/logging/create-logger.ts';
import { createNarrator } from './demo/create-narrator.ts';
import { readLogTail } from './demo/read-log-tail.ts';
import { runDemo } from './demo/run-demo.ts';
import { watchNpm } from './start/watch-npm.ts';

/** The processes take up to 18 s, PostgreSQL a moment. */
const STOP_DEADLINE_MS = 30_000;
/** Between chapters, for a person at a terminal. */
const CHAPTER_PAUSE_MS = 700;

const narrator = createNarrator((text) => process.stdout.write(text), {
  pauseMs: process.stdout.isTTY ? CHAPTER_PAUSE_MS : 0,
});
const dataDir = await mkdtemp(join(tmpdir(), 'vendor-server-demo-'));
// Root runs PostgreSQL as another account, which has to get in.
await chmod(dataDir, 0o755);
const logPath = join(dataDir, 'demo.log');
const logFile = openSync(logPath, 'a', 0o600);
const logger = createLoggerTo(
  { write: (line) => void writeSync(logFile, line) },
  { name: 'demo', level: 'info' },
);

await runProcess({
  logger,
  stopDeadlineMs: STOP_DEADLINE_MS,
  signals: ['SIGTERM', 'SIGINT', 'SIGHUP'],
  signalExitCode: 1,
  async start(lifecycle, exit) {
    async function fail(reason: string): Promise<void> {
      narrator.failed([`The demo failed: ${reason}`, ...(await readLogTail(logPath))]);
      exit('the demo failed', 1);
    }

    watchNpm(process.env, () => exit('npm is gone', 1));
    await lifecycle.start(
      'data directory',
      () => dataDir,
      (directory) => rm(directory, { recursive: true, force: true }),
    );
    try {
      const onProcessEnd = (reason: string) => void fail(reason);
      const faults = await runDemo(lifecycle, {
        env: process.env,
        dataDir,
        logFile,
        logger,
        narrator,
        onProcessEnd,
      });
      if (faults.length > 0) return await fail(faults.join(' '));
      narrator.succeeded([
        'All webhooks arrived, in order.',
        '6 status changes, 8 requests: two of them failed and were repeated, and nothing overtook them.',
        'Next: npm start, and npm run listen -- --help',
      ]);
      exit('the demo is over', 0);
    } catch (error) {
      if (!lifecycle.stopping.aborted) await fail(error instanceof Error ? error.message : String(error));
    }
  },
});
