/** Longer URLs are refused; common servers and proxies take no more in a request line either. */
const MAX_URL_LENGTH = 2048;

export type EndpointUrlCheck = { ok: true; url: URL } | { ok: false; reason: string };

/**
 * Checks the form of a webhook endpoint's URL: absolute, `https:` (or `http:` where allowed), without
 * credentials and fragment, at most 2048 characters. Where the name leads is not looked at: that is checked
 * when an attempt connects. `reason` continues a field's name, as in "webhookUrl must not contain credentials".
 */
export function checkEndpointUrl(raw: string, { allowHttp }: { allowHttp: boolean }): EndpointUrlCheck {
  if (raw.length > MAX_URL_LENGTH) return refuse(`must be at most ${MAX_URL_LENGTH} characters long`);
  // The URL parser drops or rewrites these, so that what is stored would differ from what was given.
  if (/[\s\p{Cc}\\]/u.test(raw)) return refuse('must not contain spaces, control characters or backslashes');
  // The scheme is matched on the text because the parser also takes "https:host" and "https:///host".
  if (!/^https?:\/\/[^/]/i.test(raw) || !URL.canParse(raw)) {
    return refuse(
      allowHttp ? 'must be an absolute http:// or https:// URL' : 'must be an absolute https:// URL',
    );
  }
  const url = new URL(raw);
  if (url.protocol === 'http:' && !allowHttp) return refuse('must be an absolute https:// URL');
  if (url.username !== '' || url.password !== '') return refuse('must not contain credentials');
  if (raw.includes('#')) return refuse('must not contain a fragment');
  if (url.port === '0') return refuse('must not use port 0');
  if (url.href.length > MAX_URL_LENGTH) return refuse(`must be at most ${MAX_URL_LENGTH} characters long`);
  return { ok: true, url };
}

function refuse(reason: string): EndpointUrlCheck {
  return { ok: false, reason };
}
