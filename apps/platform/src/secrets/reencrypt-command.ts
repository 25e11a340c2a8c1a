/** `npm run secrets:reencrypt`: seals every stored secret anew under SECRETS_ENCRYPTION_KEY. */
import { createDatabase } from '../database/create-database.ts';
import { assertDatabaseFits } from '../database/migrate.ts';
import { withConfiguredDatabase } from '../database/with-configured-database.ts';
import { loadSettingsOrExit } from '../settings/load-settings-or-exit.ts';
import { describeReencryption, describeUnreadable } from './describe-reencryption.ts';
import { type Reencryption, reencryptSecrets } from './reencrypt-secrets.ts';
import { createSecretBox } from './secret-box.ts';

/** Batches follow each other: one is read or written at a time. */
const MAX_CONNECTIONS = 1;
const SAY_EVERY_MS = 1_000;

const settings = loadSettingsOrExit(process.env);
const secretBox = createSecretBox({
  current: settings.secretsEncryptionKey,
  previous: settings.secretsEncryptionKeyPrevious,
});

try {
  const result = await withConfiguredDatabase(settings, reencryptDatabase);
  process.stderr.write(describeUnreadable(result.unreadable));
  process.stdout.write(describeReencryption(result, { hasPreviousKey: secretBox.keyIds.previous !== null }));
  if (result.leftBehind > 0 || result.unreadable.length > 0) process.exitCode = 1;
} catch (error) {
  process.stderr.write(`Could not encrypt anew: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}

async function reencryptDatabase(url: string): Promise<Reencryption> {
  const database = createDatabase({
    url,
    applicationName: 'vendor-server-reencrypt',
    maxConnections: MAX_CONNECTIONS,
  });
  try {
    await assertDatabaseFits(database.pool);
    let saidAt = Number.NEGATIVE_INFINITY;
    return await reencryptSecrets(database.pool, {
      secretBox,
      onProgress({ table, rows, resealed }) {
        const now = performance.now();
        if (now - saidAt < SAY_EVERY_MS) return;
        saidAt = now;
        process.stdout.write(`${table}: ${rows} rows read, ${resealed} secrets encrypted anew\n`);
      },
    });
  } finally {
    await database.close();
  }
}
