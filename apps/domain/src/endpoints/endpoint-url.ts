import { isOpenedHost } from './endpoint-host.ts';
import { isRefusedPort } from './refused-ports.ts';

/** Longer URLs are refused; common servers and proxies take no more in a request line either. */
const MAX_URL_LENGTH = 2048;

/** RFC 1035 section 2.3.4, without a final dot. */
const MAX_NAME_LENGTH = 253;
/** What DNS names of hosts are made of, and the underscore that some have. IDN labels are `xn--` by then. */
const LABEL = /^[a-z0-9_-]{1,63}$/;

export interface EndpointUrlRules {
  allowHttp: boolean;
  /** CIDRs that webhooks may reach besides public addresses. */
  allowedNetworks: readonly string[];
}

export type EndpointUrlCheck = { ok: true; url: URL } | { ok: false; reason: string };

/**
 * Checks the form of a webhook endpoint's URL: absolute, `https:` (or `http:` where allowed), a host that is an
 * address or a name that DNS can hold, no port of another protocol but on a host of an allowed network, without
 * credentials and fragment, at most 2048 characters. Where the name leads is not looked at: that is checked when an
 * attempt connects. `reason` continues a field's name, as in "webhookUrl must not contain credentials".
 */
export function checkEndpointUrl(
  raw: string,
  { allowHttp, allowedNetworks }: EndpointUrlRules,
): EndpointUrlCheck {
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
  if (!isHost(url.hostname)) return refuse('must have a valid host name');
  if (url.port !== '' && isRefusedPort(Number(url.port)) && !isOpenedHost(url, allowedNetworks)) {
    return refuse(`must not use port ${url.port}, which is not for HTTP`);
  }
  if (url.href.length > MAX_URL_LENGTH) return refuse(`must be at most ${MAX_URL_LENGTH} characters long`);
  return { ok: true, url };
}

/** An IPv6 address in brackets, or a name; IPv4 addresses have the form of names. One final dot is allowed. */
function isHost(hostname: string): boolean {
  if (hostname.startsWith('[')) return true;
  const name = hostname.replace(/\.$/, '');
  return name.length <= MAX_NAME_LENGTH && name.split('.').every((label) => LABEL.test(label));
}

function refuse(reason: string): EndpointUrlCheck {
  return { ok: false, reason };
}
