import { randomBytes } from 'node:crypto';
import { createSecret } from '@vendor-server/platform/secrets/create-secret.ts';

export interface DemoCredentials {
  customerSecret: string;
  adminApiKey: string;
}

/** What a Node process needs of the machine. Nothing else is passed on: the demo is not to touch real systems. */
const PASSED_ON = ['PATH', 'HOME', 'TMPDIR', 'LANG', 'TZ'];

/** An environment of its own for the demo: random secrets, free ports, a throw-away data directory. */
export function buildDemoEnvironment(
  env: NodeJS.ProcessEnv,
  {
    dataDir,
    port,
    workerPort,
    webhookUrl,
    credentials,
  }: {
    dataDir: string;
    port: number;
    workerPort: number;
    webhookUrl: string;
    credentials: DemoCredentials;
  },
): NodeJS.ProcessEnv {
  return {
    ...Object.fromEntries(Object.entries(env).filter(([name]) => PASSED_ON.includes(name))),
    VENDOR_SERVER_DATA_DIR: dataDir,
    PORT: String(port),
    WORKER_PORT: String(workerPort),
    CUSTOMER_SERVER_SECRET: credentials.customerSecret,
    CUSTOMER_WEBHOOK_URL: webhookUrl,
    ADMIN_API_KEY: credentials.adminApiKey,
    EXTERNAL_VENDOR_SECRET: createSecret(),
    SECRETS_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
  };
}
