/** `npm start`: database, migrations, API and worker in one command, stopped together. */
import { styleText } from 'node:util';
import { runProcess } from '@vendor-server/platform/lifecycle/run-process.ts';
import { createLoggerOrExit } from '@vendor-server/platform/logging/create-logger-or-exit.ts';
import { loadSettingsOrExit } from '@vendor-server/platform/settings/load-settings-or-exit.ts';
import { buildBanner } from './start/build-banner.ts';
import { startSystem } from './start/start-system.ts';
import { watchNpm } from './start/watch-npm.ts';

/** The processes take up to 18 s, PostgreSQL a moment. */
const STOP_DEADLINE_MS = 30_000;

const settings = loadSettingsOrExit(process.env);
const logger = createLoggerOrExit(settings, { name: 'start' });

await runProcess({
  logger,
  stopDeadlineMs: STOP_DEADLINE_MS,
  signals: ['SIGTERM', 'SIGINT', 'SIGHUP'],
  async start(lifecycle, exit) {
    watchNpm(process.env, () => exit('npm is gone', 0));
    try {
      const system = await startSystem(lifecycle, {
        settings,
        env: process.env,
        logger,
        output: 'inherit',
        exit,
      });
      process.stdout.write(buildBanner(system, settings));
    } catch (error) {
      if (!lifecycle.stopping.aborted) sayLast(error);
      throw error;
    }
  },
});

/** The reason for the person at the terminal, below all that is logged while stopping. */
function sayLast(error: unknown): void {
  const reason = error instanceof Error ? error.message : String(error);
  const sentence = `${styleText(['bold', 'red'], '✘ Vendor Server did not start:', { stream: process.stderr })} ${reason}`;
  process.once('exit', () => void process.stderr.write(`\n${sentence}\n`));
}
