import type { Settings } from '../settings/settings.ts';
import { startEmbeddedPostgres } from './embedded-postgres.ts';

/** Runs a command's work on the database of the settings; the embedded one is started for it and stopped again. */
export async function withConfiguredDatabase<Result>(
  { databaseUrl, dataDir }: Pick<Settings, 'databaseUrl' | 'dataDir'>,
  use: (url: string) => Promise<Result>,
): Promise<Result> {
  if (databaseUrl !== null) return use(databaseUrl);
  const postgres = await startEmbeddedPostgres({ dataDir });
  try {
    return await use(postgres.url);
  } finally {
    await postgres.stop();
  }
}
