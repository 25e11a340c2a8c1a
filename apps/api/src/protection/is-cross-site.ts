import type { FastifyRequest } from 'fastify';

/**
 * Whether a browser says that a page of another site, or of a neighbour's, made this request: by Fetch Metadata, or
 * by `Origin` (RFC 6454), which older browsers and those without TLS send with what may change something. Tools send
 * neither.
 */
export function isCrossSite({ headers }: Pick<FastifyRequest, 'headers'>): boolean {
  const { origin, host } = headers;
  const site = headers['sec-fetch-site'];
  if (site !== undefined) return site !== 'same-origin' && site !== 'none';
  return origin !== undefined && URL.parse(origin)?.host !== host;
}
