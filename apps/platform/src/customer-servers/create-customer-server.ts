import type { Prisma } from '../generated/prisma/client.ts';
import { createId } from '../ids/create-id.ts';
import { createSecret } from '../secrets/create-secret.ts';
import { hashSecret } from '../secrets/hash-secret.ts';
import type { SecretBox } from '../secrets/secret-box.ts';
import type { CreatedWebhookEndpoint } from './create-webhook-endpoint.ts';
import { createWebhookEndpoint } from './create-webhook-endpoint.ts';

export interface NewCustomerServer {
  name: string;
  /** Already checked by `checkEndpointUrl`; null for no endpoint. */
  webhookUrl: string | null;
}

export interface CreatedCustomerServer {
  customerServerId: string;
  name: string;
  /** Stored as a hash and encrypted only, so this is the one time to show it. */
  secret: string;
  endpoint: CreatedWebhookEndpoint | null;
}

/** Stores a new customer server with a random secret and, given a URL, its endpoint, within the caller's transaction. */
export function createCustomerServer(
  transaction: Prisma.TransactionClient,
  secretBox: SecretBox,
  { name, webhookUrl }: NewCustomerServer,
): Promise<CreatedCustomerServer> {
  return storeCustomerServer(transaction, secretBox, {
    name,
    webhookUrl,
    secret: createSecret(),
    isDefault: false,
  });
}

/** Stores the customer server that the settings describe; the settings are remembered as applied. */
export function createDefaultCustomerServer(
  transaction: Prisma.TransactionClient,
  secretBox: SecretBox,
  { secret, webhookUrl }: { secret: string; webhookUrl: string | null },
): Promise<CreatedCustomerServer> {
  return storeCustomerServer(transaction, secretBox, {
    name: 'Default customer server',
    webhookUrl,
    secret,
    isDefault: true,
  });
}

async function storeCustomerServer(
  transaction: Prisma.TransactionClient,
  secretBox: SecretBox,
  { name, webhookUrl, secret, isDefault }: NewCustomerServer & { secret: string; isDefault: boolean },
): Promise<CreatedCustomerServer> {
  const customerServerId = createId();
  const secretHash = hashSecret(secret);
  await transaction.customerServer.create({
    data: {
      id: customerServerId,
      name,
      isDefault,
      secretHash,
      secretCiphertext: secretBox.seal(secret, customerServerId),
      ...(isDefault && { appliedSecretHash: secretHash, appliedWebhookUrl: webhookUrl }),
    },
  });
  const endpoint =
    webhookUrl === null
      ? null
      : await createWebhookEndpoint(transaction, secretBox, {
          customerServerId,
          url: webhookUrl,
          isDefault: true,
          preferences: {},
        });
  return { customerServerId, name, secret, endpoint };
}
