import type { Logger } from 'pino';
import type { SqlExecutor } from '../database/sql-executor.ts';
import { countSealedTextsByKey } from './sealed-columns-sql.ts';
import type { SecretBox } from './secret-box.ts';

/**
 * Tells the log at a start which stored secrets this process cannot open, because their key is not configured, and
 * how many still need the previous one. Webhooks with such a secret wait; better to know it before the first.
 * (A look at every customer server and endpoint, once.)
 */
export async function reportStoredKeys(
  executor: SqlExecutor,
  { keyIds }: Pick<SecretBox, 'keyIds'>,
  logger: Pick<Logger, 'info' | 'error'>,
): Promise<void> {
  const counts = await countSealedTextsByKey(executor);
  // A text that names no key at all is under none of them.
  const unknown = counts.filter(
    ({ keyId }) => keyId === null || (keyId !== keyIds.current && keyId !== keyIds.previous),
  );
  if (unknown.length > 0) {
    logger.error({ keys: unknown }, 'Stored secrets are under a key that this process does not have');
  }
  const needPrevious = counts.find(({ keyId }) => keyId !== null && keyId === keyIds.previous);
  if (needPrevious !== undefined && keyIds.previous !== keyIds.current) {
    logger.info(
      { count: needPrevious.count },
      'Stored secrets are still under SECRETS_ENCRYPTION_KEY_PREVIOUS; see npm run secrets:reencrypt',
    );
  }
}
