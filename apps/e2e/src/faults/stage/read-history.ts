import { createLoggerTo } from '@vendor-server/platform/logging/create-logger.ts';
import { createDeliveryQueue } from '@vendor-server/platform/queue/delivery-queue.ts';
import type { FaultSpan, History, SeenRequest } from '../../history/history.ts';
import { type EndpointRowRead, readLiveJobs, readRows } from '../../history/read-rows.ts';
import type { ReceivedRequest } from '../../receiver/received-request.ts';
import type { FaultStage } from './create-fault-stage.ts';

/** What a run is known by. */
type WatchedStage = Pick<FaultStage, 'system' | 'redisUrl' | 'receiver' | 'scripts' | 'endpoints' | 'teller'>;

/** Everything that is known of a stage's run so far. */
export async function readHistory(
  { system, redisUrl, receiver, scripts, endpoints, teller }: WatchedStage,
  faults: readonly FaultSpan[],
): Promise<History> {
  const rows = await readRows(system.database.pool);
  const known = new Map(endpoints.map((each) => [each.endpointId, each]));
  const logger = createLoggerTo({ write: () => undefined }, { name: 'test', level: 'fatal' });
  const queue = createDeliveryQueue({ databaseUrl: system.databaseUrl, redisUrl, logger });
  try {
    return {
      ...rows,
      endpoints: rows.endpoints.map((row) => withSecret(row, known.get(row.endpointId)?.signingSecret)),
      requests: receiver.requests.map((request) => toSeenRequest(request, scripts.isCut(request))),
      answers: teller.answers,
      scripts: endpoints.map(({ endpointId, isGood }) => ({ endpointId, isGood })),
      faults,
      liveJobs: await readLiveJobs(queue, rows.deliveries),
    };
  } finally {
    await queue.close();
  }
}

function withSecret(row: EndpointRowRead, signingSecret: string | undefined) {
  if (signingSecret === undefined) throw new Error(`${row.path} is nobody's.`);
  return { ...row, signingSecret };
}

function toSeenRequest(request: ReceivedRequest, isCut: boolean): SeenRequest {
  const { path, receivedAt, headers, body, answeredAt, answeredStatus } = request;
  return {
    path,
    begunAt: receivedAt,
    headers: Object.fromEntries(Object.keys(headers).map((name) => [name, request.header(name)])),
    body,
    answer:
      answeredAt === null || answeredStatus === null
        ? null
        : { status: answeredStatus, writtenAt: answeredAt, isCut },
  };
}
