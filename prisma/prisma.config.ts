import { defineConfig } from 'prisma/config';

// Only `prisma generate` runs through the CLI. Migrations are applied by `npm run db:migrate`,
// which needs no engine binary (see apps/platform/src/database/migrate.ts).
export default defineConfig({ schema: 'schema' });
