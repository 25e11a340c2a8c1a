/** What of a webhook's URL a log shows: its path often is the secret that lets somebody in, as its query may be. */
export function toLoggableUrl(text: string): string {
  const { origin, pathname, search } = new URL(text);
  return pathname === '/' && search === '' ? `${origin}/` : `${origin}/…`;
}
