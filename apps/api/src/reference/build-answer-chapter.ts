/** The guide's chapter on every answer a receiver can give, made from the table that deliveries go by. */
import type { AttemptOutcome } from '@vendor-server/domain/deliveries/attempt-outcome.ts';
import {
  ATTEMPT_REASON_CODES,
  type AttemptReason,
  type AttemptRule,
  ruleOf,
} from '@vendor-server/domain/deliveries/attempt-reasons.ts';
import { FAILED_RUN, LARGEST_WINDOW, PROBE_COOLDOWN } from '@vendor-server/domain/endpoints/decide-window.ts';
import { type EndpointSignal, readEndpointSignal } from '@vendor-server/domain/endpoints/endpoint-signal.ts';

const SECTIONS: readonly (readonly [title: string, outcomes: readonly AttemptOutcome[]])[] = [
  ['An answer with a status', ['acknowledged', 'redirected', 'rejected']],
  ['An answer that is not one', ['malformed_response', 'response_too_large']],
  ['No answer in time', ['timed_out']],
  ['No connection', ['connection_failed']],
  ['No address', ['dns_failed', 'blocked_address']],
  ['No TLS', ['tls_failed']],
  ['Our own faults', ['interrupted']],
];

const WINDOW: Readonly<Record<EndpointSignal, string>> = {
  accepted: 'grows',
  answered: 'stays',
  failed: 'halved if many',
  silent: 'halved',
  untried: 'stays',
};

const INTRODUCTION = `# Every answer

What follows each answer that your server can give, and each way in which it can give none. These tables are made from
the one that deliveries go by. \`reason\` is a stable code: you find it on each attempt, in an order's timeline and under
*Deliveries*.

*Sent again* is explained under [what your answer leads to](#description/what-your-answer-leads-to). The *window* is how
many webhooks may be under way to your endpoint at once, at most ${LARGEST_WINDOW}:

- *grows*: it doubles after a full window of these.
- *halved*: at most once a second, and only by an attempt that began after it last changed.
- *halved if many*: so are ${FAILED_RUN.answers} in a row from at least ${FAILED_RUN.orders} orders; fewer may be one order's doing.
- *stays*: your server is there, or was not asked.

A window halved to nothing makes your endpoint *broken*: its webhooks wait, without using up their tries, and every
${PROBE_COOLDOWN.firstMs / 1_000} to ${PROBE_COOLDOWN.longestMs / 1_000} s one of them is sent to see whether your server is back,
or later where its last answer asked for that with \`Retry-After\`. The first answer marked *grows* or *stays* opens it again.

Whatever an answer's headers say, they are taken, up to 16 KiB and 500 of them; interim answers (100, 102, 103) before it
are passed over. A connection is used again only when an answer was read to its end.`;

/** @returns Markdown, a chapter with a table for each kind of end */
export function buildAnswerChapter(): string {
  const sections = SECTIONS.map(([title, outcomes]) => {
    const reasons = ATTEMPT_REASON_CODES.filter((reason) => outcomes.includes(ruleOf(reason).outcome));
    const rows = reasons.map(toRow);
    const head = [
      '| your server | `reason` | what follows | window | what to know |',
      '|---|---|---|---|---|',
    ];
    const named = outcomes.map((outcome) => `\`${outcome}\``).join(', ');
    return [`## ${title}`, '', `\`outcome\`: ${named}.`, '', ...head, ...rows].join('\n');
  });
  return [INTRODUCTION, ...sections].join('\n\n');
}

function toRow(reason: AttemptReason): string {
  const rule = ruleOf(reason);
  const cells = [
    rule.when,
    `\`${reason}\``,
    describeAction(rule),
    WINDOW[readEndpointSignal(reason)],
    rule.meaning,
  ];
  return `| ${cells.join(' | ')} |`;
}

function describeAction({ action, heedsRetryAfter, triesOtherSecret }: AttemptRule): string {
  switch (action) {
    case 'deliver':
      return 'delivered';
    case 'retry':
      return heedsRetryAfter ? 'sent again, not before `Retry-After`' : 'sent again';
    case 'fail':
      return triesOtherSecret ? '`failed` at once, unless a secret is being rotated' : '`failed` at once';
    case 'resume':
      return 'sent again, at no cost';
  }
}
