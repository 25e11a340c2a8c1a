import { stripVTControlCharacters } from 'node:util';
import { loadSettings } from '@vendor-server/platform/settings/load-settings.ts';
import { expect, test } from 'vitest';
import { buildBanner } from './build-banner.ts';

const SYSTEM = { apiUrl: 'http://127.0.0.1:3000', workerUrl: 'http://127.0.0.1:3001' };

function bannerOf(env: NodeJS.ProcessEnv): string {
  return stripVTControlCharacters(buildBanner(SYSTEM, loadSettings(env)));
}

test('shows addresses, the development credentials and a command that creates an order', () => {
  const banner = bannerOf({});
  expect(banner).toContain('http://127.0.0.1:3000');
  expect(banner).toContain('http://127.0.0.1:3000/docs');
  expect(banner).toContain('http://127.0.0.1:3000/admin/queues');
  expect(banner).toContain('http://127.0.0.1:3001/readyz');
  expect(banner).toContain('x-customer-secret: development-customer-secret');
  expect(banner).toContain('x-vendor-secret: development-vendor-secret');
  expect(banner).toContain('Authorization: Bearer development-admin-key');
  expect(banner).toContain('curl -sS http://127.0.0.1:3000/api/external/orders');
  expect(banner).toContain('npm run listen');
});

test('shows no secret that somebody has set', () => {
  const banner = bannerOf({
    DATABASE_URL: 'postgresql://user:test-database-password@127.0.0.1/test',
    REDIS_URL: 'redis://:test-redis-password@127.0.0.1',
    CUSTOMER_SERVER_SECRET: 'test-customer-secret-1',
    CUSTOMER_WEBHOOK_URL: 'http://127.0.0.1:4000/updates?key=test-url-key',
    EXTERNAL_VENDOR_SECRET: 'test-partner-secret-1',
    ADMIN_API_KEY: 'test-admin-key-1',
  });
  expect(banner).not.toMatch(/test-.*(password|secret|key)/);
  expect(banner).toContain('x-customer-secret: $CUSTOMER_SERVER_SECRET');
  expect(banner).toContain('Bearer $ADMIN_API_KEY');
  expect(banner).toContain('http://127.0.0.1:4000/updates');
});
