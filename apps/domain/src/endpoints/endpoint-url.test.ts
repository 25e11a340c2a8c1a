import { describe, expect, it } from 'vitest';
import { checkEndpointUrl } from './endpoint-url.ts';

const anyScheme = { allowHttp: true };

describe('checkEndpointUrl', () => {
  it.each([
    [
      'https://customer.example/api/vendor/order-updates',
      'https://customer.example/api/vendor/order-updates',
    ],
    ['HTTPS://Customer.Example', 'https://customer.example/'],
    ['http://127.0.0.1:4000/hook?token=a', 'http://127.0.0.1:4000/hook?token=a'],
    ['http://[::1]:4000/', 'http://[::1]:4000/'],
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
    ['https://customer.example/#part', 'must not contain a fragment'],
    ['https://customer.example/#', 'must not contain a fragment'],
    ['https://customer.example:0/', 'must not use port 0'],
    [' https://customer.example/', 'must not contain spaces, control characters or backslashes'],
    ['https://customer.example/\n', 'must not contain spaces, control characters or backslashes'],
    ['https://customer.example/\0', 'must not contain spaces, control characters or backslashes'],
    ['https:\\\\customer.example\\', 'must not contain spaces, control characters or backslashes'],
    [`https://customer.example/${'a'.repeat(2048)}`, 'must be at most 2048 characters long'],
    [`https://customer.example/${'é'.repeat(1000)}`, 'must be at most 2048 characters long'],
  ])('refuses %j', (raw, reason) => {
    expect(checkEndpointUrl(raw, anyScheme)).toEqual({ ok: false, reason });
  });

  it('takes http:// only where it is allowed', () => {
    const refused = { ok: false, reason: 'must be an absolute https:// URL' };
    expect(checkEndpointUrl('http://customer.example/', { allowHttp: false })).toEqual(refused);
    expect(checkEndpointUrl('ftp://customer.example/', { allowHttp: false })).toEqual(refused);
    expect(checkEndpointUrl('https://customer.example/', { allowHttp: false }).ok).toBe(true);
  });
});
