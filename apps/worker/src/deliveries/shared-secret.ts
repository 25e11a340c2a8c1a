/**
 * A receiver holds one shared secret at a time, and changes it whenever it likes: so a refusal may only mean that it
 * holds another one already, or still. As long as there is one that it did not refuse, it is sent that one.
 *
 * The look for another one comes after the answer: a rotation that began while the request was on its way counts.
 * Nothing goes round in circles, because what follows must be neither the secret that was refused now nor the one
 * refused before, and there are two at most.
 */
import { ruleOf } from '@vendor-server/domain/deliveries/attempt-reasons.ts';
import type { AttemptResult } from '@vendor-server/domain/deliveries/attempt-result.ts';
import type { SqlExecutor } from '@vendor-server/platform/database/sql-executor.ts';
import type { Logger } from 'pino';
import type { ClaimedDelivery } from './claim-sql.ts';
import { adoptSharedSecret, hasUntriedSecret } from './shared-secret-sql.ts';

interface SecretDeps {
  readonly executor: SqlExecutor;
  readonly logger: Logger;
}

/** Whether there is a secret that the receiver did not refuse. Without the database: what the claim saw. */
export async function findOtherSecret(
  { executor, logger }: SecretDeps,
  claimed: ClaimedDelivery,
  { reason }: AttemptResult,
): Promise<boolean> {
  const { customerServerId, sharedSecretHash, refusedSecretHash, sharedSecretIs } = claimed;
  if (sharedSecretHash === null || !ruleOf(reason).triesOtherSecret) return false;
  const tried = [sharedSecretHash, refusedSecretHash].filter((hash) => hash !== null);
  try {
    return await hasUntriedSecret(executor, customerServerId, tried);
  } catch (error) {
    // The answer must be recorded all the same.
    logger.warn({ err: error, customerServerId }, 'Could not look for another shared secret');
    return sharedSecretIs !== null && refusedSecretHash === null;
  }
}

/** A receiver took the other secret: later requests begin with it. Failing to note that costs one more attempt. */
export async function adoptAcceptedSecret(
  { executor, logger }: SecretDeps,
  { customerServerId, sharedSecretHash, usesOtherSecret }: ClaimedDelivery,
): Promise<void> {
  if (!usesOtherSecret || sharedSecretHash === null) return;
  try {
    const outboundSecret = await adoptSharedSecret(executor, customerServerId, sharedSecretHash);
    if (outboundSecret !== null) {
      logger.info({ customerServerId, outboundSecret }, 'Webhooks carry the secret that was accepted');
    }
  } catch (error) {
    logger.warn(
      { err: error, customerServerId },
      'The accepted secret could not be noted; the next refusal will',
    );
  }
}
