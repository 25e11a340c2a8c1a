import { isReachableHost } from '@vendor-server/domain/endpoints/endpoint-host.ts';
import { checkEndpointUrl } from '@vendor-server/domain/endpoints/endpoint-url.ts';
import type { Settings } from '@vendor-server/platform/settings/settings.ts';
import { ApiError } from '../errors/api-error.ts';

type UrlSettings = Pick<Settings, 'webhookAllowHttp' | 'webhookAllowedNetworks'>;

/**
 * Refuses a URL that no webhook could ever be sent to. Where its name leads is looked at when one is sent.
 *
 * @param field what the caller named it
 * @throws ApiError `validation_failed`
 */
export function assertUsableUrl(field: string, raw: string, settings: UrlSettings): void {
  const url = assertWellFormedUrl(field, raw, settings);
  if (isReachableHost(url, settings.webhookAllowedNetworks)) return;
  throw new ApiError('validation_failed', { details: [`${field} must lead to a public address`] });
}

/**
 * Refuses a URL for its form only.
 *
 * @param field what the caller named it
 * @throws ApiError `validation_failed`
 */
export function assertWellFormedUrl(field: string, raw: string, settings: UrlSettings): URL {
  const check = checkEndpointUrl(raw, {
    allowHttp: settings.webhookAllowHttp,
    allowedNetworks: settings.webhookAllowedNetworks,
  });
  if (!check.ok) throw new ApiError('validation_failed', { details: [`${field} ${check.reason}`] });
  return check.url;
}
