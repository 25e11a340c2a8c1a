import type { FastifyInstance, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { ApiError } from '../errors/api-error.ts';
import { findJsonFaults } from './find-json-faults.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** The body's bytes as received; null when there were none. */
    rawBody: Buffer | null;
  }
}

/** Throws on bytes that are not UTF-8; drops a byte order mark. */
const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Bodies are JSON objects in UTF-8, or empty, which means no fields: an action needs none. Anything else is
 * refused here, before the route's own schema.
 */
export const jsonBody = fp(async (app: FastifyInstance) => {
  app.decorateRequest('rawBody', null);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    'application/json',
    { parseAs: 'buffer' },
    async (request: FastifyRequest, bytes: Buffer) => {
      if (bytes.length === 0) return {};
      request.rawBody = bytes;
      return parseJsonObject(bytes);
    },
  );
});

/** @throws ApiError `malformed_json` or `validation_failed` */
export function parseJsonObject(bytes: Buffer): object {
  const document = parseJson(bytes);
  if (typeof document !== 'object' || document === null || Array.isArray(document)) {
    throw new ApiError('validation_failed', { details: ['body must be a JSON object'] });
  }
  const details = findJsonFaults(document);
  if (details.length > 0) throw new ApiError('validation_failed', { details });
  return document;
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(utf8.decode(bytes));
  } catch (cause) {
    throw new ApiError('malformed_json', { cause });
  }
}
