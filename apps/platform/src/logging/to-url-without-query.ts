/** What of a webhook URL may be shown: its query often carries a token, and credentials are secrets anyway. */
export function toUrlWithoutQuery(text: string): string {
  const url = new URL(text);
  url.search = '';
  url.username = '';
  url.password = '';
  return url.href;
}
