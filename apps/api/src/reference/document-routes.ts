import { createHash } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import Type from 'typebox';
import type { RouteReference } from './route-reference.ts';

const ETAG = { etag: 'Changes with the document; for `if-none-match`.' };

const REFERENCE: RouteReference = {
  audience: 'anyone',
  tag: 'API reference',
  operationId: 'getApiReference',
  summary: 'This document',
  description: 'OpenAPI 3.1. For people it is at [`/docs`](/docs).',
  answers: {
    200: {
      description: 'The document.',
      schema: Type.Object(
        { openapi: Type.String({ pattern: '^3\\.1\\.' }), info: Type.Unknown(), paths: Type.Unknown() },
        { additionalProperties: true },
      ),
      headers: ETAG,
      example: { openapi: '3.1.1', info: { title: 'Vendor Server', version: '1.0.0' }, paths: {} },
    },
    304: { description: 'It is still the one named by `if-none-match`.', headers: ETAG },
  },
  headers: { 'if-none-match': 'The `etag` of the document you have.' },
};

interface BuiltDocument {
  readonly text: string;
  readonly etag: string;
}

/**
 * `/openapi.json`, built once, for whoever asks first. Building it takes as long as the rest of a start: a process that
 * serves callers should be ready soon, and who reads the reference can wait for half a second. (So do, once, all whom this
 * process serves just then.)
 */
export async function documentRoutes(app: FastifyInstance): Promise<void> {
  let built: BuiltDocument | null = null;

  app.get('/openapi.json', { config: { reference: REFERENCE } }, async (request, reply) => {
    built ??= build(app);
    // It changes with a release only, and then at once.
    reply.headers({ etag: built.etag, 'cache-control': 'no-cache' });
    if (request.headers['if-none-match'] === built.etag) return reply.code(304).send();
    return reply.type('application/json; charset=utf-8').send(built.text);
  });
}

function build(app: FastifyInstance): BuiltDocument {
  const text = JSON.stringify(app.swagger());
  return { text, etag: `"${createHash('sha256').update(text).digest('base64url')}"` };
}
