/**
 * `/docs`: the API reference for people. The page is Scalar's, with its script served from here; nothing of it
 * is fetched from anywhere else, and the policy it is sent with has browsers refuse to.
 */
import { createHash } from 'node:crypto';
import scalar from '@scalar/fastify-api-reference';
import type { FastifyInstance } from 'fastify';

/** Scalar lets the columns of a table shrink to a few letters: words stay whole, and what is wide is scrolled. */
const STYLE = '.markdown td, .markdown th, .markdown td code { word-break: normal; overflow-wrap: normal; }';

const CONFIGURATION = {
  url: '/openapi.json',
  pageTitle: 'Vendor Server API',
  theme: 'default',
  layout: 'modern',
  telemetry: false,
  withDefaultFonts: false,
  hideClientButton: true,
  showDeveloperTools: 'never',
  documentDownloadType: 'none',
  agent: { disabled: true },
  mcp: { disabled: true },
  persistAuth: false,
  favicon: 'data:,',
  customCss: STYLE,
} as const;

/** Scripts and requests only from and to this server; styles are set by the script. */
function toPolicy(scriptHashes: readonly string[]): string {
  const scripts = scriptHashes.map((hash) => `'sha256-${hash}'`).join(' ');
  return [
    "default-src 'none'",
    `script-src 'self' ${scripts}`,
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data:",
    "font-src 'self' data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

/** SHA-256 (base64) of each script that stands in the page itself. */
function hashInlineScripts(html: string): string[] {
  return [...html.matchAll(/<script type="text\/javascript">([\s\S]*?)<\/script>/g)].map(([, script]) =>
    createHash('sha256')
      .update(script ?? '')
      .digest('base64'),
  );
}

export async function docsPage(app: FastifyInstance): Promise<void> {
  let scriptTag: string | null = null;

  app.addHook('onSend', async (request, reply, payload) => {
    if (typeof payload !== 'string' || reply.statusCode !== 200) return payload;
    if (!request.url.endsWith('.js')) {
      reply.header('content-security-policy', toPolicy(hashInlineScripts(payload)));
      return payload;
    }
    // Five megabytes that change with a release only: browsers ask whether theirs is still the one.
    scriptTag ??= `"${createHash('sha256').update(payload).digest('base64url')}"`;
    reply.headers({ etag: scriptTag, 'cache-control': 'no-cache' });
    if (request.headers['if-none-match'] !== scriptTag) return payload;
    reply.code(304).removeHeader('content-length');
    return '';
  });

  await app.register(scalar, { routePrefix: '/docs', configuration: CONFIGURATION });
}
