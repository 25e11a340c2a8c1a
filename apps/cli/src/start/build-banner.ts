import { relative } from 'node:path';
import { styleText } from 'node:util';
import { toUrlWithoutQuery } from '@vendor-server/platform/logging/to-url-without-query.ts';
import {
  DEVELOPMENT_ADMIN_API_KEY,
  DEVELOPMENT_CUSTOMER_SERVER_SECRET,
  DEVELOPMENT_EXTERNAL_VENDOR_SECRET,
} from '@vendor-server/platform/settings/development-values.ts';
import type { Settings } from '@vendor-server/platform/settings/settings.ts';
import type { RunningSystem } from './start-system.ts';

const LABEL_WIDTH = 18;

const FIRST_ORDER = {
  customerId: 'customer-123',
  customerName: 'Example Customer',
  customerPhone: '+910000000001',
  customerAddress: '1 Example Street, Example City',
  workType: 'electronics_repair',
  description: 'Fix smartphone screen',
  location: { latitude: 28.7041, longitude: 77.1025 },
  estimatedPrice: 250,
};

/**
 * What `npm start` shows once everything runs: where things are, the development credentials, and one command
 * that creates an order. Secrets that somebody has set are not shown.
 */
export function buildBanner({ apiUrl, workerUrl }: RunningSystem, settings: Settings): string {
  const [adminApiKey = ''] = settings.adminApiKeys;
  const [vendorSecret = ''] = settings.externalVendorSecrets;
  const customerSecret = showSecret(
    settings.customerServerSecret,
    DEVELOPMENT_CUSTOMER_SERVER_SECRET,
    '$CUSTOMER_SERVER_SECRET',
  );
  const lines = [
    `${styleText(['bold', 'green'], '● Vendor Server is running')}   ${styleText('dim', 'Ctrl-C stops everything')}`,
    '',
    row('API', styleText('cyan', apiUrl)),
    row('API reference', styleText('cyan', `${apiUrl}/docs`)),
    row(
      'Queue board',
      `${styleText('cyan', `${apiUrl}/admin/queues`)} ${styleText('dim', '(user admin, the operator key)')}`,
    ),
    row(
      'Worker',
      `${styleText('cyan', `${workerUrl}/readyz`)} ${styleText('dim', '(health; /metrics on both)')}`,
    ),
    row(
      'Database',
      settings.databaseUrl === null
        ? `embedded PostgreSQL in ${toShown(settings.dataDir)}`
        : 'PostgreSQL of DATABASE_URL',
    ),
    row('Queue', settings.redisUrl === null ? 'in PostgreSQL' : 'Redis of REDIS_URL'),
    row(
      'Webhooks go to',
      settings.customerWebhookUrl === null
        ? 'nobody yet: set CUSTOMER_WEBHOOK_URL'
        : toUrlWithoutQuery(settings.customerWebhookUrl),
    ),
    ...(settings.logFile === null ? [] : [row('Log file', toShown(settings.logFile))]),
    '',
    styleText('bold', 'Credentials'),
    row('customer server', `x-customer-secret: ${customerSecret}`),
    row(
      'partner',
      `x-vendor-secret: ${showSecret(vendorSecret, DEVELOPMENT_EXTERNAL_VENDOR_SECRET, '$EXTERNAL_VENDOR_SECRET')}`,
    ),
    row(
      'operator',
      `Authorization: Bearer ${showSecret(adminApiKey, DEVELOPMENT_ADMIN_API_KEY, '$ADMIN_API_KEY')}`,
    ),
    '',
    styleText('bold', 'Create a first order'),
    `curl -sS ${apiUrl}/api/external/orders \\`,
    `  -H 'content-type: application/json' \\`,
    `  -H "x-customer-secret: ${customerSecret}" \\`,
    `  -d '${JSON.stringify(FIRST_ORDER)}'`,
    ...(settings.customerWebhookUrl === null ? ['', ...describeListening(customerSecret)] : []),
  ];
  return `\n${lines.map((line) => (line === '' ? '' : `  ${line}`)).join('\n')}\n\n`;
}

function describeListening(customerSecret: string): string[] {
  return [
    styleText('bold', 'See its webhooks'),
    `npm run listen -- --port 4000 --secret "${customerSecret}"   ${styleText('dim', '# in a second terminal')}`,
    `CUSTOMER_WEBHOOK_URL=http://127.0.0.1:4000/ npm start   ${styleText('dim', '# here, after Ctrl-C')}`,
  ];
}

function row(label: string, value: string): string {
  return `${styleText('dim', label.padEnd(LABEL_WIDTH))}${value}`;
}

/** Development values are public and shown; of others only the variable that a shell would fill in. */
function showSecret(value: string | null, developmentValue: string, variable: string): string {
  return value === developmentValue ? value : variable;
}

function toShown(path: string): string {
  const fromHere = relative('', path);
  return fromHere === '' || fromHere.startsWith('..') ? path : fromHere;
}
