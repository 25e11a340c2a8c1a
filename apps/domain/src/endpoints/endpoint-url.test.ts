import { describe, expect, it } from 'vitest';
import { checkEndpointUrl } from './endpoint-url.ts';

const anyScheme = { allowHttp: true, allowedNetworks: ['127.0.0.0/8', '203.0.113.7/32'] };

describe('checkEndpointUrl', () => {
  it.each([
    [
      'https://customer.example/api/vendor/order-updates',
      'https://customer.example/api/vendor/order-updates',
    ],
    ['HTTPS://Customer.Example', 'https://customer.example/'],
    ['http://127.0.0.1:4000/hook?token=a', 'http://127.0.0.1:4000/hook?token=a'],
    ['http://[::1]:4000/', 'http://[::1]:4000/'],
    ['https://customer.example./hook', 'https://customer.example./hook'],
    ['https://web_hooks.customer.example/', 'https://web_hooks.customer.example/'],
    [`https://${'a23456789.'.repeat(25)}abc/`, `https://${'a23456789.'.repeat(25)}abc/`],
    ['https://customer.example:8443/', 'https://customer.example:8443/'],
    ['https://bücher.example/', 'https://xn--bcher-kva.example/'],
  ])('takes %s', (raw, href) => {
    expect(checkEndpointUrl(raw, anyScheme)).toEqual({ ok: true, url: new URL(href) });
  });

  it.each([
    ['', 'must be an absolute http:// or https:// URL'],
    ['customer.example/hook', 'must be an absolute http:// or https:// URL'],
    ['//customer.example/hook', 'must be an absolute http:// or https:// URL'],
    ['https:customer.example', 'must be an absolute http:// or https:// URL'],
    ['https:///customer.example', 'must be an absolute http:// or https:// URL'],
    ['https://', 'must be an absolute http:// or https:// URL'],
    ['https://customer.example:99999/', 'must be an absolute http:// or https:// URL'],
    ['ftp://customer.example/', 'must be an absolute http:// or https:// URL'],
    ['file:///etc/passwd', 'must be an absolute http:// or https:// URL'],
    ['javascript:alert(1)', 'must be an absolute http:// or https:// URL'],
    ['https://user@customer.example/', 'must not contain credentials'],
    ['https://user:password@customer.example/', 'must not contain credentials'],
    ['https://:password@customer.example/', 'must not contain credentials'],
    ['https://customer.example/#part', 'must not contain a fragment'],
    ['https://customer.example/#', 'must not contain a fragment'],
    ['https://localhost../', 'must have a valid host name'],
    ['https://127.0.0.1../', 'must have a valid host name'],
    ['https://customer..example/', 'must have a valid host name'],
    ['https://.customer.example/', 'must have a valid host name'],
    ['https://./', 'must have a valid host name'],
    ['https://*.customer.example/', 'must have a valid host name'],
    ['https://"customer".example/', 'must have a valid host name'],
    [`https://${'a'.repeat(64)}.example/`, 'must have a valid host name'],
    [`https://${'a23456789.'.repeat(25)}abcd/`, 'must have a valid host name'],
    ['https://customer.example:0/', 'must not use port 0, which is not for HTTP'],
    ['https://customer.example:25/', 'must not use port 25, which is not for HTTP'],
    ['https://customer.example:0006667/', 'must not use port 6667, which is not for HTTP'],
    [' https://customer.example/', 'must not contain spaces, control characters or backslashes'],
    ['https://customer.example/\n', 'must not contain spaces, control characters or backslashes'],
    ['https://customer.example/\0', 'must not contain spaces, control characters or backslashes'],
    ['https:\\\\customer.example\\', 'must not contain spaces, control characters or backslashes'],
    [`https://customer.example/${'a'.repeat(2048)}`, 'must be at most 2048 characters long'],
    [`https://customer.example/${'é'.repeat(1000)}`, 'must be at most 2048 characters long'],
  ])('refuses %j', (raw, reason) => {
    expect(checkEndpointUrl(raw, anyScheme)).toEqual({ ok: false, reason });
  });

  it.each([
    'http://127.0.0.1:1/hook',
    'http://127.1:9/',
    'http://127.0.0.1.:0/',
    'http://[::ffff:127.0.0.1]:25/',
    'http://localhost:1/',
    'http://api.localhost.:6667/',
    'https://203.0.113.7:22/',
  ])('takes any port on a host of an allowed network: %s', (raw) => {
    expect(checkEndpointUrl(raw, anyScheme).ok).toBe(true);
    const port = new URL(raw).port;
    const reason = `must not use port ${port}, which is not for HTTP`;
    for (const allowedNetworks of [[], ['10.0.0.0/8'], ['2000::/3']]) {
      expect(checkEndpointUrl(raw, { allowHttp: true, allowedNetworks })).toEqual({ ok: false, reason });
    }
  });

  it('takes http:// only where it is allowed', () => {
    const refused = { ok: false, reason: 'must be an absolute https:// URL' };
    const onlyHttps = { allowHttp: false, allowedNetworks: [] };
    expect(checkEndpointUrl('http://customer.example/', onlyHttps)).toEqual(refused);
    expect(checkEndpointUrl('ftp://customer.example/', onlyHttps)).toEqual(refused);
    expect(checkEndpointUrl('https://customer.example/', onlyHttps).ok).toBe(true);
  });
});
