/** `npm run db:migrate`: brings the database of the settings, or the embedded one, to this version's schema. */
import { loadSettingsOrExit } from '../settings/load-settings-or-exit.ts';
import { startEmbeddedPostgres } from './embedded-postgres.ts';
import { migrateDatabase } from './migrate.ts';

const settings = loadSettingsOrExit(process.env);
try {
  const applied =
    settings.databaseUrl === null
      ? await migrateEmbeddedDatabase(settings.dataDir)
      : await migrateDatabase(settings.databaseUrl);
  for (const name of applied) process.stdout.write(`Applied ${name}\n`);
  process.stdout.write('The database is current.\n');
} catch (error) {
  process.stderr.write(`Could not migrate: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}

async function migrateEmbeddedDatabase(dataDir: string): Promise<string[]> {
  const postgres = await startEmbeddedPostgres({ dataDir });
  try {
    return await migrateDatabase(postgres.url);
  } finally {
    await postgres.stop();
  }
}
