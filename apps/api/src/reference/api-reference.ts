/**
 * The API reference: one OpenAPI 3.1 document made from the routes, at `/openapi.json` for tools and at `/docs`
 * for people. Registered before the routes that it is made from; what they answer does not pass through it.
 */
import swagger from '@fastify/swagger';
import type { FastifyInstance } from 'fastify';
import fp from 'fastify-plugin';
import type { AppDeps } from '../app-deps.ts';
import { SECURITY_SCHEMES } from './audiences.ts';
import { describeRoute } from './describe-route.ts';
import { docsPage } from './docs-page.ts';
import { documentRoutes } from './document-routes.ts';
import { readGuide } from './read-guide.ts';
import { REFERENCE_TAGS } from './route-reference.ts';
import { TAG_DESCRIPTIONS, TAG_GROUPS } from './tags.ts';
import { tidyDocument } from './tidy-document.ts';
import { buildWebhooksSection } from './webhooks-section.ts';

const DOCUMENT = {
  openapi: '3.1.1',
  info: {
    title: 'Vendor Server',
    version: '1.0.0',
    summary: 'Service orders from customer servers, vendors who work on them, webhooks for every change.',
    license: { name: 'MIT', identifier: 'MIT' },
  },
  servers: [{ url: '/', description: 'This server' }],
  tags: REFERENCE_TAGS.map((name) => ({ name, description: TAG_DESCRIPTIONS[name] })),
  'x-tagGroups': TAG_GROUPS,
  components: { securitySchemes: SECURITY_SCHEMES },
};

export const apiReference = fp(async (app: FastifyInstance, { settings }: Pick<AppDeps, 'settings'>) => {
  await app.register(swagger, {
    openapi: {
      ...DOCUMENT,
      info: { ...DOCUMENT.info, description: readGuide() },
      webhooks: buildWebhooksSection(settings.webhookRetryDelaysMs),
    },
    convertConstToEnum: false,
    transform: ({ route, url }) => ({ schema: describeRoute(route), url }),
    transformObject: (built) => ('openapiObject' in built ? tidyDocument(built.openapiObject) : {}),
  });
  app.register(documentRoutes);
  app.register(docsPage);
});
