export type Authorization =
  | { readonly scheme: 'bearer'; readonly secret: string }
  | { readonly scheme: 'basic'; readonly user: string; readonly secret: string };

/** Reads an `Authorization` header (RFC 6750, RFC 7617); null when it is absent or holds neither scheme. */
export function readAuthorization(header: string | undefined): Authorization | null {
  const [, scheme, credential] = /^(bearer|basic) +(\S+) *$/i.exec(header ?? '') ?? [];
  if (scheme === undefined || credential === undefined) return null;
  if (scheme.toLowerCase() === 'bearer') return { scheme: 'bearer', secret: credential };
  const decoded = Buffer.from(credential, 'base64').toString('utf8');
  const colon = decoded.indexOf(':');
  if (colon === -1) return { scheme: 'basic', user: decoded, secret: '' };
  return { scheme: 'basic', user: decoded.slice(0, colon), secret: decoded.slice(colon + 1) };
}
