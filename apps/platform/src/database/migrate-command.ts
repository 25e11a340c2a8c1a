/** `npm run db:migrate`: brings the database of the settings, or the embedded one, to this version's schema. */
import { loadSettingsOrExit } from '../settings/load-settings-or-exit.ts';
import { migrateDatabase } from './migrate.ts';
import { withConfiguredDatabase } from './with-configured-database.ts';

const report = (line: string) => void process.stderr.write(`${line}\n`);
const settings = loadSettingsOrExit(process.env);
try {
  const applied = await withConfiguredDatabase(settings, (url) => migrateDatabase(url, { report }));
  for (const name of applied) process.stdout.write(`Applied ${name}\n`);
  process.stdout.write('The database is current.\n');
} catch (error) {
  process.stderr.write(`Could not migrate: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
