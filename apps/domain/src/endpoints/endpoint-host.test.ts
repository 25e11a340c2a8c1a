import { describe, expect, test } from 'vitest';
import { isOpenedHost, isReachableHost } from './endpoint-host.ts';

const LOOPBACK = ['127.0.0.0/8', '::1/128'];
const reaches = (url: string, networks: string[] = []) => isReachableHost(new URL(url), networks);

describe('isReachableHost', () => {
  test.each([
    'https://customer.example/',
    'https://93.184.216.34/',
    'https://[2606:2800:220:1::1]/',
    // Judged when an attempt connects.
    'https://metadata.internal/',
    'https://localhost.example/',
  ])('takes %s', (url) => {
    expect(reaches(url)).toBe(true);
  });

  test.each([
    'http://127.0.0.1/',
    'http://127.0.0.1./',
    'http://0x7f.1/',
    'http://2130706433/',
    'http://[::1]/',
    'http://[::ffff:127.0.0.1]/',
    'http://localhost/',
    'http://LOCALHOST./',
    'http://api.localhost/',
    'http://10.1.2.3/',
    'http://169.254.169.254/latest/meta-data',
    'http://168.63.129.16/',
    'http://0.0.0.0/',
    'http://[fd00::1]/',
    'http://[64:ff9b::a01:203]/',
  ])('refuses %s', (url) => {
    expect(reaches(url)).toBe(false);
  });

  test('takes what the allowed networks name', () => {
    expect(reaches('http://127.0.0.1/', LOOPBACK)).toBe(true);
    expect(reaches('http://localhost/', LOOPBACK)).toBe(true);
    expect(reaches('http://localhost/', ['::1/128'])).toBe(true);
    expect(reaches('http://10.1.2.3/', ['10.0.0.0/8'])).toBe(true);
    expect(reaches('http://10.1.2.3/', LOOPBACK)).toBe(false);
    expect(reaches('http://localhost/', ['10.0.0.0/8'])).toBe(false);
  });
});

test('isOpenedHost is true only of what an allowed network names', () => {
  const opens = (url: string, networks: string[]) => isOpenedHost(new URL(url), networks);
  for (const url of ['http://127.1/', 'http://[::ffff:127.0.0.1]/', 'http://localhost./', 'http://[::1]/']) {
    expect(opens(url, LOOPBACK)).toBe(true);
    expect(opens(url, [])).toBe(false);
  }
  expect(opens('https://93.184.216.34/', LOOPBACK)).toBe(false);
  expect(opens('https://customer.example/', ['0.0.0.0/0', '::/0'])).toBe(false);
});
