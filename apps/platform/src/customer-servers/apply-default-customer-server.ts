import type { Logger } from 'pino';
import type { Database } from '../database/create-database.ts';
import { LOCK_KEYS } from '../database/lock-keys.ts';
import type { CustomerServer, Prisma } from '../generated/prisma/client.ts';
import { type EndpointStateChange, logEndpointState } from '../logging/log-endpoint-state.ts';
import { createSecret } from '../secrets/create-secret.ts';
import { hashSecret } from '../secrets/hash-secret.ts';
import type { SecretBox } from '../secrets/secret-box.ts';
import { DEVELOPMENT_CUSTOMER_SERVER_SECRET } from '../settings/development-values.ts';
import type { Settings } from '../settings/settings.ts';
import { SettingsError } from '../settings/settings-error.ts';
import type { EndpointChange } from './apply-default-webhook-url.ts';
import { applyDefaultWebhookUrl } from './apply-default-webhook-url.ts';
import { createDefaultCustomerServer } from './create-customer-server.ts';
import { DEFAULT_OVERLAP_HOURS, rotateCustomerServerSecret } from './rotate-customer-server-secret.ts';

type AppliedSettings = Pick<Settings, 'production' | 'customerServerSecret' | 'customerWebhookUrl'>;

export interface AppliedDefault {
  customerServerId: string;
  /** What this start changed; empty when the settings had been applied before. */
  changes: readonly ('customer server created' | 'secret rotated' | EndpointChange)[];
}

interface Applied extends AppliedDefault {
  stateChange: EndpointStateChange | null;
}

const DEVELOPMENT_SECRET_HASH = hashSecret(DEVELOPMENT_CUSTOMER_SERVER_SECRET);

/**
 * Brings the default customer server and its endpoint in line with CUSTOMER_SERVER_SECRET and
 * CUSTOMER_WEBHOOK_URL. The first start creates them. Later starts apply a setting only when it differs from
 * the one last applied, so that what was changed through the API since then stays. A changed secret is a
 * rotation with an overlap of 24 hours. What was changed is in the log.
 *
 * Safe when several processes start at once: each waits for the other's transaction and then finds the
 * settings applied.
 *
 * @returns null when there is no default customer server.
 * @throws SettingsError when the secret belongs to another customer server; SecretBoxError when the stored
 * secret cannot be read with the configured encryption keys.
 */
export async function applyDefaultCustomerServer(
  database: Pick<Database, 'prisma'>,
  settings: AppliedSettings,
  secretBox: SecretBox,
  logger: Pick<Logger, 'info' | 'warn'>,
): Promise<AppliedDefault | null> {
  const result = await database.prisma.$transaction(async (transaction) => {
    // One start after the other.
    await transaction.$executeRaw`select pg_advisory_xact_lock(${LOCK_KEYS.defaultCustomerServer})`;
    const stored = await transaction.customerServer.findFirst({ where: { isDefault: true } });
    return stored
      ? applyToStored(transaction, secretBox, stored, settings)
      : applyToNothing(transaction, secretBox, settings);
  });
  if (result === null) return null;
  const { stateChange, ...applied } = result;
  if (applied.changes.length > 0) logger.info(applied, 'Default customer server applied');
  if (stateChange !== null) logEndpointState(logger, stateChange);
  return applied;
}

async function applyToNothing(
  transaction: Prisma.TransactionClient,
  secretBox: SecretBox,
  { customerServerSecret: secret, customerWebhookUrl: webhookUrl }: AppliedSettings,
): Promise<Applied | null> {
  if (secret === null) return null;
  await assertUnused(transaction, hashSecret(secret));
  const { customerServerId } = await createDefaultCustomerServer(transaction, secretBox, {
    secret,
    webhookUrl,
  });
  return {
    customerServerId,
    changes:
      webhookUrl === null ? ['customer server created'] : ['customer server created', 'endpoint created'],
    stateChange: null,
  };
}

async function applyToStored(
  transaction: Prisma.TransactionClient,
  secretBox: SecretBox,
  stored: CustomerServer,
  settings: AppliedSettings,
): Promise<Applied> {
  // Better no start than webhooks that all fail because their secrets cannot be read.
  secretBox.open(stored.secretCiphertext, stored.id);
  const ofSecret = await applySecret(transaction, secretBox, stored, settings);
  const ofUrl = await applyDefaultWebhookUrl(transaction, secretBox, stored, settings.customerWebhookUrl);
  const changes = [ofSecret, ofUrl?.change ?? null].filter((change) => change !== null);
  return { customerServerId: stored.id, changes, stateChange: ofUrl?.stateChange ?? null };
}

async function applySecret(
  transaction: Prisma.TransactionClient,
  secretBox: SecretBox,
  stored: CustomerServer,
  { production, customerServerSecret }: AppliedSettings,
): Promise<'secret rotated' | null> {
  // A database that began in development must not let the public secret into production, also not for a day.
  const isPublic = production && stored.secretHash === DEVELOPMENT_SECRET_HASH;
  if (production) await forgetPreviousDevelopmentSecret(transaction);

  const secret = customerServerSecret ?? (isPublic ? createSecret() : null);
  if (secret === null || hashSecret(secret) === stored.appliedSecretHash) return null;

  const appliedSecretHash = hashSecret(secret);
  const isCurrent = appliedSecretHash === stored.secretHash;
  if (!isCurrent) {
    await assertUnused(transaction, appliedSecretHash, stored.id);
    const overlapHours = isPublic ? 0 : DEFAULT_OVERLAP_HOURS;
    await rotateCustomerServerSecret(transaction, secretBox, {
      customerServerId: stored.id,
      secret,
      overlapHours,
    });
  }
  await transaction.customerServer.update({ where: { id: stored.id }, data: { appliedSecretHash } });
  return isCurrent ? null : 'secret rotated';
}

async function forgetPreviousDevelopmentSecret(transaction: Prisma.TransactionClient): Promise<void> {
  await transaction.customerServer.updateMany({
    where: { previousSecretHash: DEVELOPMENT_SECRET_HASH },
    data: {
      previousSecretHash: null,
      previousSecretCiphertext: null,
      secretOverlapUntil: null,
      outboundSecret: 'current',
    },
  });
}

async function assertUnused(
  transaction: Prisma.TransactionClient,
  secretHash: string,
  ownId?: string,
): Promise<void> {
  const other = await transaction.customerServer.findFirst({
    where: { OR: [{ secretHash }, { previousSecretHash: secretHash }], ...(ownId && { NOT: { id: ownId } }) },
  });
  if (other) throw new SettingsError(['CUSTOMER_SERVER_SECRET already belongs to another customer server.']);
}
