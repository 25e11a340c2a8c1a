import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import Fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyServerOptions,
  LogController,
} from 'fastify';
import type { AppDeps } from './app-deps.ts';
import { adminCustomerServerRoutes } from './customer-servers/admin-routes.ts';
import { customerServerMeRoutes } from './customer-servers/me-routes.ts';
import { adminSecretRotationRoutes } from './customer-servers/secret-routes.ts';
import { adminDeliveryRoutes } from './deliveries/admin-routes.ts';
import { adminReplayRoutes, replayRoutes } from './deliveries/replay-routes.ts';
import { adminResendRoutes, resendRoutes } from './deliveries/resend-routes.ts';
import { deliveryRoutes } from './deliveries/routes.ts';
import { answerClientError } from './errors/answer-client-error.ts';
import { createUnroutableHandler } from './errors/answer-unroutable.ts';
import { handleError } from './errors/error-handler.ts';
import { eventRoutes } from './events/routes.ts';
import { healthRoutes } from './health/routes.ts';
import { metricsRoutes } from './metrics/routes.ts';
import { offerRoutes } from './offers/routes.ts';
import { adminOrderRoutes } from './orders/admin-routes.ts';
import { adminPersonalDataRoutes } from './orders/personal-data-routes.ts';
import { orderRoutes } from './orders/routes.ts';
import { partnerRoutes } from './partners/routes.ts';
import { authentication } from './plugins/authentication.ts';
import { gracefulClose } from './plugins/graceful-close.ts';
import { jsonBody } from './plugins/json-body.ts';
import { requestCount } from './plugins/request-count.ts';
import { chooseRequestId, requestId } from './plugins/request-id.ts';
import { requestLog } from './plugins/request-log.ts';
import { singleHeaders } from './plugins/single-headers.ts';
import { tracing } from './plugins/tracing.ts';
import { unknownRoute } from './plugins/unknown-route.ts';
import { validation } from './plugins/validation.ts';
import { wellFormedQuery } from './plugins/well-formed-query.ts';
import { HTTP_SERVER_OPTIONS, httpServer, IDLE_CONNECTION_TIMEOUT_MS } from './protection/http-server.ts';
import { loadShedding } from './protection/load-shedding.ts';
import { securityHeaders } from './protection/security-headers.ts';
import { queueBoardRoutes } from './queue-board/routes.ts';
import { apiReference } from './reference/api-reference.ts';
import { adminTimelineRoutes } from './timelines/admin-routes.ts';
import { timelineRoutes } from './timelines/routes.ts';
import { adminVendorRoutes } from './vendors/admin-routes.ts';
import { vendorMeRoutes } from './vendors/me-routes.ts';
import { vendorOrderRoutes } from './vendors/order-routes.ts';
import { adminWebhookEndpointRoutes } from './webhook-endpoints/admin-routes.ts';
import { webhookEndpointRoutes } from './webhook-endpoints/routes.ts';
import { webhookTestRoutes } from './webhook-endpoints/webhook-test-routes.ts';

const MAX_BODY_BYTES = 256 * 1024;
/** From the first byte of a request to its last: one that drips in must not hold a connection for minutes. */
const REQUEST_TIMEOUT_MS = 30_000;

/** The app with all its routes, not yet listening. */
export function buildApp(deps: AppDeps): FastifyInstance {
  const loggerInstance: FastifyBaseLogger = deps.logger;
  const app = Fastify({
    loggerInstance,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'requestId' }),
    trustProxy: toTrustProxy(deps.settings.trustProxy),
    bodyLimit: MAX_BODY_BYTES,
    http: HTTP_SERVER_OPTIONS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionTimeout: IDLE_CONNECTION_TIMEOUT_MS,
    requestIdHeader: false,
    genReqId: chooseRequestId,
    // While the process stops, requests on open connections are still answered: all they need is there.
    return503OnClosing: false,
    frameworkErrors: createUnroutableHandler(deps.metrics),
    clientErrorHandler: answerClientError,
  }).withTypeProvider<TypeBoxTypeProvider>();

  app.setErrorHandler(handleError);

  app.register(gracefulClose);
  app.register(tracing, { tracer: deps.tracer });
  app.register(requestCount, deps);
  app.register(requestLog);
  app.register(requestId);
  app.register(securityHeaders);
  app.register(httpServer);
  app.register(loadShedding);
  app.register(unknownRoute);
  app.register(singleHeaders);
  app.register(wellFormedQuery);
  app.register(authentication);
  app.register(jsonBody);
  app.register(validation);
  app.register(apiReference, deps);

  app.register(healthRoutes, deps);
  app.register(metricsRoutes, deps);

  const external = { ...deps, prefix: '/api/external' };
  app.register(orderRoutes, external);
  app.register(timelineRoutes, external);
  app.register(deliveryRoutes, external);
  app.register(resendRoutes, external);
  app.register(replayRoutes, external);
  app.register(eventRoutes, external);
  app.register(customerServerMeRoutes, external);
  app.register(partnerRoutes, external);
  app.register(webhookTestRoutes, external);
  app.register(webhookEndpointRoutes, external);

  const vendor = { ...deps, prefix: '/api/vendor' };
  app.register(vendorMeRoutes, vendor);
  app.register(vendorOrderRoutes, vendor);
  app.register(offerRoutes, vendor);

  const admin = { ...deps, prefix: '/api/admin' };
  app.register(adminCustomerServerRoutes, admin);
  app.register(adminSecretRotationRoutes, admin);
  app.register(adminOrderRoutes, admin);
  app.register(adminPersonalDataRoutes, admin);
  app.register(adminTimelineRoutes, admin);
  app.register(adminDeliveryRoutes, admin);
  app.register(adminResendRoutes, admin);
  app.register(adminReplayRoutes, admin);
  app.register(adminVendorRoutes, admin);
  app.register(adminWebhookEndpointRoutes, admin);
  app.register(queueBoardRoutes, { ...deps, prefix: '/admin/queues' });

  return app;
}

/**
 * Trusted without a list of addresses is the one proxy that connects, and not what stands before it: proxies add
 * to the `x-forwarded-for` that a caller sends, who would be whoever it likes.
 */
function toTrustProxy(setting: boolean | readonly string[]): NonNullable<FastifyServerOptions['trustProxy']> {
  if (typeof setting === 'boolean') return setting && ((_address, hop) => hop === 0);
  return [...setting];
}
